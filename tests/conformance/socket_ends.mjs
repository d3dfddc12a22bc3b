// Node's ws as an end of a WebSocket that sends back what it hears; the same as socket_ends.py.
import { createRequire } from "node:module";
import { join } from "node:path";

// Packages stand beside the integration tests, where the tests start this.
const { WebSocket, WebSocketServer } = createRequire(join(process.cwd(), "any.js"))("ws");
const options = { perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 };

function echo(socket) {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {}); // what the other side does wrong is what the tests are about
}

if (process.argv[2] === "server") {
  const server = new WebSocketServer({ ...options, host: "127.0.0.1", port: 0 });
  server.on("connection", echo);
  server.on("listening", () => console.log(`LISTENING ${server.address().port}`));
} else {
  const [url, count] = [process.argv[3], Number(process.argv[4])];
  const ended = [];
  for (let number = 0; number < count; number += 1) {
    ended.push(
      await new Promise((resolve) => {
        const socket = new WebSocket(`${url}?case=${number}`, options);
        echo(socket);
        socket.on("close", resolve);
      }),
    );
  }
  console.log(JSON.stringify(ended));
}
