// What clients of SignalR, Phoenix and GraphQL talk to: a hub over WebSocket and long polling, a channel that
// takes every join and echoes, and a schema with one subscription. Prints LISTENING <port>.
import http from "node:http";
import { WebSocketServer } from "ws";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/lib/use/ws";

const end = "\x1e";

// The JSON protocol of SignalR: a handshake, then invocations of Echo.
function answersOf(text) {
  return text
    .split(end)
    .filter((part) => part)
    .map((part) => JSON.parse(part))
    .map((message) => {
      if (message.protocol) return "{}";
      if (message.type === 1)
        return JSON.stringify({ type: 3, invocationId: message.invocationId, result: message.arguments[0] });
      return undefined;
    })
    .filter((answer) => answer)
    .map((answer) => answer + end)
    .join("");
}

const polls = new Map(); // by connection: what waits, and who waits for it

function poll(id, response) {
  const known = polls.get(id);
  if (!known) {
    polls.set(id, { text: "" });
    return response.end(); // the first poll of a connection is answered at once
  }
  if (known.text) {
    response.end(known.text);
    known.text = "";
  } else {
    known.waits = response;
  }
}

function tell(id, text) {
  const known = polls.get(id);
  if (known.waits) {
    known.waits.end(text);
    known.waits = undefined;
  } else {
    known.text += text;
  }
}

let connections = 0;
const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://any");
  let body = "";
  for await (const part of request) body += part;
  if (url.pathname.endsWith("/negotiate")) {
    connections += 1;
    response.setHeader("Content-Type", "application/json");
    return response.end(
      JSON.stringify({
        negotiateVersion: 1,
        connectionId: `c${connections}`,
        connectionToken: `t${connections}`,
        availableTransports: ["WebSockets", "LongPolling"].map((transport) => ({
          transport,
          transferFormats: ["Text", "Binary"],
        })),
      }),
    );
  }
  const id = url.searchParams.get("id");
  if (request.method === "GET" && id) return poll(id, response);
  if (request.method === "POST" && id) {
    tell(id, answersOf(body));
    return response.end();
  }
  if (request.method === "DELETE") return response.writeHead(202).end();
  response.writeHead(404).end();
});

const hub = new WebSocketServer({ noServer: true });
hub.on("connection", (socket) => socket.on("message", (data) => socket.send(answersOf(String(data)))));

const channels = new WebSocketServer({ noServer: true });
channels.on("connection", (socket) =>
  socket.on("message", (data) => {
    const [join, reference, topic, event, payload] = JSON.parse(String(data));
    const response = event === "echo" ? payload : {};
    socket.send(JSON.stringify([join, reference, topic, "phx_reply", { status: "ok", response }]));
  }),
);

const graphql = new WebSocketServer({ noServer: true });
useServer(
  {
    schema: buildSchema("type Query { none: Int } type Subscription { count: Int }"),
    roots: {
      subscription: {
        count: async function* () {
          for (let count = 1; count <= 3; count += 1) yield { count };
        },
      },
    },
  },
  graphql,
);

server.on("upgrade", (request, socket, head) => {
  const path = new URL(request.url, "http://any").pathname;
  const status = /^\/refused\/(\d+)/.exec(path);
  if (status) return socket.end(`HTTP/1.1 ${status[1]} No\r\nContent-Length: 0\r\n\r\n`);
  const sockets = path.includes("hub") ? hub : path.includes("graphql") ? graphql : channels;
  sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened, request));
});

server.listen(0, "127.0.0.1", () => console.log(`LISTENING ${server.address().port}`));
