// A WebSocket server (npm ws). The path says how it behaves. Prints LISTENING <port>, or 1 on $UNIX_SOCKET.
import http from "node:http";
import { WebSocketServer } from "ws";

const limits = { maxPayload: 64 * 1024 * 1024 };
const plain = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  handleProtocols: (offered) => (offered.has("chat") ? "chat" : [...offered][0]),
  ...limits,
});
const deflating = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 }, ...limits });

function refuse(socket, status) {
  const body = JSON.stringify({ refused: status });
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
      `X-Refused-By: backend\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function echo(socket) {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
}

const behaviours = {
  // Sends the upgrade request as the backend saw it, then echoes.
  "/headers": (socket, request) => {
    socket.send(JSON.stringify({ target: request.url, headers: request.rawHeaders }));
    echo(socket);
  },
  // Sends `n` numbered messages at once.
  "/push": (socket, request, query) => {
    for (let index = 0; index < Number(query.get("n")); index += 1) socket.send(String(index));
    echo(socket);
  },
  "/close": (socket, request, query) => socket.close(Number(query.get("code")), query.get("reason") ?? ""),
  // Leaves without a closing handshake as soon as the client says anything.
  "/vanish": (socket) => socket.on("message", () => socket.terminate()),
};

const server = http.createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain" });
  response.end(`plain ${request.url}`);
});

server.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "http://any");
  const path = url.pathname.replace(/^\/ws(?=\/)/, "");
  if (path === "/refuse") {
    refuse(socket, Number(url.searchParams.get("status")));
    return;
  }
  const end = path === "/deflate" ? deflating : plain;
  end.handleUpgrade(request, socket, head, (websocket) => {
    websocket.on("error", () => {});
    (behaviours[path] ?? echo)(websocket, request, url.searchParams);
  });
});

// Room for a storm of clients: Node takes 511 at a time, and the kernel drops who comes beyond that.
const place = process.env.UNIX_SOCKET ? { path: process.env.UNIX_SOCKET } : { port: 0, host: "127.0.0.1" };
server.listen({ ...place, backlog: 4096 }, () => console.log(`LISTENING ${server.address().port ?? 1}`));
