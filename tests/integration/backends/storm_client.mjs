// Many WebSockets, each sending one number after another and taking the echo of one before it sends the next.
// usage: storm_client.mjs <port> <sockets per path> <path>…
// Prints {"event":"open"} when all are open and have heard their first echo, or {"event":"failed"} and ends; on a line of standard input it ends what is
// left in good order. Prints last, for each path: {open, rounds, broken, closes: [[code, seconds after "open"]]}, where
// `open` are those that lived to the end, `rounds` the echoes of the one that heard fewest, and `broken` what was out
// of order.
import { createInterface } from "node:readline";
import WebSocket from "ws";

const [port, count, ...paths] = process.argv.slice(2);
const report = Object.fromEntries(paths.map((path) => [path, { open: 0, rounds: Infinity, broken: [], closes: [] }]));
const sockets = [];
let heard = 0;
let openedAt;
let ending = false;

function finishIfDone() {
  if (!ending || sockets.some((socket) => socket.readyState !== WebSocket.CLOSED)) return;
  for (const path of paths) if (report[path].rounds === Infinity) report[path].rounds = 0;
  console.log(JSON.stringify(report));
  process.exit(0);
}

// Whoever waits for all of them to open is not kept waiting when one does not.
function failBeforeOpen(why) {
  if (openedAt !== undefined) return;
  console.log(JSON.stringify({ event: "failed", why, open: heard }));
  process.exit(1);
}

function start(path) {
  const own = report[path];
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
  let round = 0;
  socket.on("open", () => socket.send("0"));
  socket.on("message", (data) => {
    if (String(data) !== String(round)) own.broken.push(`${round} was answered with ${data}`);
    round += 1;
    if (round === 1 && ++heard === sockets.length) {
      openedAt = performance.now();
      console.log(JSON.stringify({ event: "open" }));
    }
    if (ending) socket.close(1000);
    else setTimeout(() => socket.readyState === WebSocket.OPEN && socket.send(String(round)), 100);
  });
  socket.on("error", (error) => {
    own.broken.push(String(error));
    failBeforeOpen(String(error));
  });
  socket.on("close", (code) => {
    failBeforeOpen(`closed with ${code}`);
    if (ending && code === 1000) {
      own.open += 1;
      own.rounds = Math.min(own.rounds, round);
    } else {
      own.closes.push([code, (performance.now() - openedAt) / 1000]);
    }
    finishIfDone();
  });
  return socket;
}

for (const path of paths) for (let index = 0; index < Number(count); index += 1) sockets.push(start(path));
createInterface({ input: process.stdin }).once("line", () => {
  ending = true;
  finishIfDone();
});
