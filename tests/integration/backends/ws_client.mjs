// Sends messages of given sizes, text and binary, and compares what comes back. Prints one line of JSON.
// usage: ws_client.mjs URL CA|- [--deflate] SIZE…
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import WebSocket from "ws";

const [url, ca, ...rest] = process.argv.slice(2);
const deflate = rest.includes("--deflate");
const sizes = rest.filter((word) => !word.startsWith("--")).map(Number);
const socket = new WebSocket(url, {
  ca: ca === "-" ? undefined : readFileSync(ca),
  servername: "localhost",
  perMessageDeflate: deflate ? { threshold: 0 } : false,
  maxPayload: 64 * 1024 * 1024,
});

const digest = (data) => createHash("sha256").update(data).digest("hex");
const echoed = [];
let expected;

function finish(result) {
  console.log(JSON.stringify({ extensions: socket.extensions, echoed, ...result }));
  process.exit(0);
}

function sendNext() {
  const size = sizes[echoed.length >> 1];
  if (size === undefined) {
    socket.close(1000, "done");
    return;
  }
  const binary = echoed.length % 2 === 0;
  const data = binary ? randomBytes(size) : "é".repeat(size >> 1) + "x".repeat(size & 1);
  expected = { size, binary, digest: digest(data) };
  socket.send(data, { binary });
}

socket.on("open", sendNext);
socket.on("message", (data, binary) => {
  const same = binary === expected.binary && data.length === expected.size && digest(data) === expected.digest;
  echoed.push({ size: data.length, binary, same });
  sendNext();
});
socket.on("unexpected-response", (request, response) => finish({ refused: response.statusCode }));
socket.on("error", (error) => finish({ error: error.message }));
socket.on("close", (code, reason) => finish({ closed: code, reason: reason.toString() }));
