// The client of a chat that knows nothing of a gateway: it keeps its access token fresh by a call to the application,
// puts it into the address of its WebSocket, and comes back after a close with 1, 2, 4, 8 and 16 seconds between its ten
// attempts, but not after 4401 and 1008. Prints one line of JSON when its time is over.
// usage: chat_client.mjs PORT SECONDS REFRESH_EVERY_SECONDS
import WebSocket from "ws";

const [port, seconds, refreshEvery] = process.argv.slice(2).map(Number);
const base = `http://localhost:${port}`;
const seen = { opens: 0, closes: [], sent: 0, received: 0, refreshes: 0, failedRefreshes: 0, tokens: [], gaveUp: false };
let access;
let cookie;
let socket;
let attempts = 0;

async function call(path) {
  const response = await fetch(base + path, { method: "POST", headers: cookie ? { cookie } : {} });
  const set = response.headers.get("set-cookie");
  if (set) cookie = set.split(";")[0];
  if (!response.ok) return false;
  access = (await response.json()).access;
  seen.tokens.push(access);
  return true;
}

async function refresh() {
  if (await call("/api/token/refresh/")) seen.refreshes += 1;
  else seen.failedRefreshes += 1;
}

function connect() {
  socket = new WebSocket(`ws://localhost:${port}/ws/chat/?token=${access}&threadId=7&correlationId=c-1`, { origin: base });
  socket.on("open", () => {
    seen.opens += 1;
    attempts = 0;
  });
  socket.on("message", () => {
    seen.received += 1;
  });
  socket.on("error", () => {});
  socket.on("close", (code, reason) => {
    seen.closes.push({ code, reason: reason.toString() });
    if (code === 4401 || code === 1008 || attempts >= 10) {
      seen.gaveUp = true;
      return;
    }
    const wait = Math.min(2 ** attempts, 16);
    attempts += 1;
    setTimeout(async () => {
      await refresh();
      connect();
    }, wait * 1000);
  });
}

await call("/api/login/?user=ann");
connect();
setInterval(refresh, refreshEvery * 1000);
setInterval(() => {
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(`message ${seen.sent}`);
  seen.sent += 1;
}, 500);
setTimeout(() => {
  console.log(JSON.stringify({ ...seen, open: socket.readyState === WebSocket.OPEN }));
  process.exit(0);
}, seconds * 1000);
