// What clients talk to that send their token in their first message: a schema of GraphQL with one subscription,
// under /graphql, and a broker that knows enough of STOMP 1.2, under /stomp. GET /seen says in JSON what each of
// their connections has had in its handshake and in its first message. Prints LISTENING <port>.
import http from "node:http";
import { WebSocketServer } from "ws";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/lib/use/ws";

const seen = [];

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

function stompFrame(command, headers, body = "") {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  return `${command}\n${lines.join("")}\n${body}\0`;
}

function readStompFrame(text) {
  const end = text.indexOf("\n\n");
  const [command, ...lines] = text.slice(0, end).replaceAll("\r", "").split("\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(/:(.*)/s).slice(0, 2)));
  return { command, headers, body: text.slice(end + 2).replace(/\0[\r\n]*$/, "") };
}

const brokers = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => [...offered].find((one) => one === "v12.stomp") ?? false,
});
const subscriptions = new Map(); // by destination: functions that deliver a body

brokers.on("connection", (socket) => {
  let connected = false;
  let beats;
  const refuse = (message) => {
    socket.send(stompFrame("ERROR", { message }));
    socket.close();
  };
  const acts = {
    CONNECT({ headers }) {
      connected = true;
      const [, wanted] = (headers["heart-beat"] ?? "0,0").split(",").map(Number);
      if (wanted > 0) beats = setInterval(() => socket.send("\n"), wanted);
      socket.send(stompFrame("CONNECTED", { version: "1.2", "heart-beat": `${wanted},0` }));
    },
    SUBSCRIBE({ headers: { id, destination } }) {
      const deliver = (body) =>
        socket.send(stompFrame("MESSAGE", { subscription: id, "message-id": "1", destination }, body));
      subscriptions.set(destination, [...(subscriptions.get(destination) ?? []), deliver]);
    },
    SEND({ headers, body }) {
      for (const deliver of subscriptions.get(headers.destination) ?? []) deliver(body);
    },
    DISCONNECT({ headers }) {
      if (headers.receipt) socket.send(stompFrame("RECEIPT", { "receipt-id": headers.receipt }));
    },
  };
  acts.STOMP = acts.CONNECT;
  socket.on("message", (data) => {
    const text = String(data);
    if (/^[\r\n]*$/.test(text)) return; // a heart-beat
    const frame = readStompFrame(text);
    if (!connected && !["CONNECT", "STOMP"].includes(frame.command)) return refuse("CONNECT comes first");
    if (!acts[frame.command]) return refuse(`${frame.command} is not known here`);
    acts[frame.command](frame);
  });
  socket.on("close", () => clearInterval(beats));
});

const server = http.createServer((request, response) => response.end(JSON.stringify(seen)));

server.on("upgrade", (request, socket, head) => {
  const sockets = request.url.includes("stomp") ? brokers : graphql;
  const connection = { headers: request.headers, first: null };
  seen.push(connection);
  sockets.handleUpgrade(request, socket, head, (opened) => {
    opened.once("message", (data) => (connection.first = String(data)));
    sockets.emit("connection", opened, request);
  });
});

server.listen(0, "127.0.0.1", () => console.log(`LISTENING ${server.address().port}`));
