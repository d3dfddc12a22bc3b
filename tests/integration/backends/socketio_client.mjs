// A real Socket.IO 4 client: connects, waits for the upgrade if it began by polling, exchanges events, prints JSON.
// usage: socketio_client.mjs URL '{"transports":[…],"ca":"file","namespace":"/x","token":"…","expectUpgrade":true}'
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";

const [url, text = "{}"] = process.argv.slice(2);
const options = JSON.parse(text);
const transports = options.transports ?? ["polling", "websocket"];
const expectUpgrade = options.expectUpgrade ?? transports.length > 1;

const socket = io(url + (options.namespace ?? ""), {
  path: options.path ?? "/socket.io/",
  transports,
  reconnection: false,
  timeout: options.timeout ?? 15000,
  auth: options.token ? { token: options.token } : undefined,
  query: options.query,
  extraHeaders: options.headers,
  ca: options.ca ? readFileSync(options.ca) : undefined,
});

const result = { transports: [], events: [] };

function finish(more = {}) {
  console.log(JSON.stringify({ ...result, ...more }));
  process.exit(0);
}

socket.on("connect_error", (error) =>
  finish({ connectError: error.message, description: error.description?.message ?? error.description ?? null,
    status: error.context?.status ?? null, body: error.context?.responseText ?? null }));
socket.on("disconnect", (reason) => finish({ disconnect: reason }));
socket.on("joined", (data) => result.events.push(data));

// The engine may upgrade before or after the namespace is connected, so both are listened for from the start.
const upgraded = new Promise((resolve) => {
  socket.io.once("open", () => {
    const engine = socket.io.engine;
    result.transports.push(engine.transport.name);
    if (!expectUpgrade) resolve();
    engine.once("upgrade", (transport) => {
      result.transports.push(transport.name);
      resolve();
    });
  });
});

await new Promise((resolve) => socket.once("connect", resolve));
await upgraded;
const ask = (...given) => socket.timeout(20000).emitWithAck(...given);
const binary = Buffer.alloc(300000, Uint8Array.from({ length: 253 }, (_, index) => index));
result.text = await ask("echo", "héllo wörld");
result.object = await ask("echo", { nested: { list: [1, 2, 3], none: null } });
const back = await ask("echo", binary);
result.binary = Buffer.compare(Buffer.from(back), binary) === 0;
result.large = (await ask("echo", "x".repeat(500000))).length;
result.room = await ask("join", "job:507f1f77bcf86cd799439011");
result.server = await ask("transport");
finish();
