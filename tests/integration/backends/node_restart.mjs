// A backend that is there to be killed and started again on the same port. Prints LISTENING <port>.
// usage: node_restart.mjs NAME [PORT]
// Answers every request with its name after a moment, so that some are under way when it dies. /healthz answers
// what the last request to /ail?status=N asked for. Upgrades are taken and echoed.
import http from "node:http";
import { WebSocketServer } from "ws";

const [name, port = "0"] = process.argv.slice(2);
let health = 200;

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  request.resume();
  const answer = (status, body) => {
    response.writeHead(status, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  };
  if (url.pathname === "/healthz") return answer(health, "");
  if (url.pathname === "/ail") health = Number(url.searchParams.get("status"));
  request.on("end", () => setTimeout(() => answer(200, name), 5));
});
new WebSocketServer({ server }).on("connection", (socket) =>
  socket.on("message", (data, binary) => socket.send(data, { binary })),
);
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 511 }, () =>
  console.log(`LISTENING ${server.address().port}`),
);
