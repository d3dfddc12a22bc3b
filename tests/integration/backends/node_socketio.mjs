// A Socket.IO 4 server: echo events with acknowledgements and binary, rooms, and a namespace that wants a token.
import http from "node:http";
import { Server } from "socket.io";

const server = http.createServer((request, response) => response.writeHead(404).end());
const io = new Server(server, { pingInterval: 2000, pingTimeout: 5000 });

function serve(socket) {
  socket.on("echo", (...given) => {
    const acknowledge = given.pop();
    acknowledge(...given);
  });
  socket.on("join", (room, acknowledge) => {
    socket.join(room);
    acknowledge(room);
    socket.nsp.to(room).emit("joined", { room, id: socket.id });
  });
  socket.on("transport", (acknowledge) =>
    acknowledge({ transport: socket.conn.transport.name, query: socket.handshake.query, headers: socket.handshake.headers }),
  );
}

io.on("connection", serve);

const guarded = io.of("/guarded");
guarded.use((socket, next) => {
  if (socket.handshake.auth.token === "let me in") next();
  else next(new Error("Authentication token required in auth field"));
});
guarded.on("connection", serve);

server.listen(0, "127.0.0.1", () => console.log(`LISTENING ${server.address().port}`));
