// An HTTP server with one path for each thing a proxy must carry. Prints LISTENING <port>, or 1 on $UNIX_SOCKET.
// usage: node_http.mjs [instance name] [certificate key]   (with a certificate: HTTPS)
import http from "node:http";
import https from "node:https";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [instance = "node", certificate, key] = process.argv.slice(2);
const held = new Map(); // key → function that ends a response held back by /hold
const waiting = new Map(); // key → responses of /held, which wait for a hold to begin
const streams = new Set(); // open server-sent event streams
let counted = 0;

const pattern = Buffer.alloc(65536, Uint8Array.from({ length: 251 }, (_, index) => index));

function json(response, value, status = 200, headers = {}) {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

function pairs(list) {
  const made = [];
  for (let index = 0; index < list.length; index += 2) made.push([list[index], list[index + 1]]);
  return made;
}

function echo(request, response) {
  const hash = createHash("sha256");
  let bytes = 0;
  request.on("data", (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  request.on("end", () =>
    json(response, {
      instance,
      method: request.method,
      target: request.url,
      headers: pairs(request.rawHeaders),
      body_bytes: bytes,
      body_sha256: hash.digest("hex"),
      trailers: pairs(request.rawTrailers),
      client_port: request.socket.remotePort,
    }),
  );
}

// Writes `count` bytes of the pattern as fast as the other side takes them.
function pour(response, count, done = () => response.end()) {
  let left = count;
  const more = () => {
    while (left > 0) {
      const chunk = left >= pattern.length ? pattern : pattern.subarray(0, left);
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once("drain", more);
        return;
      }
    }
    done();
  };
  more();
}

const paths = {
  "/bytes": (request, response, query) => {
    const count = Number(query.get("n"));
    response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": count });
    if (request.method === "HEAD") response.end();
    else pour(response, count);
  },
  "/chunked": (request, response, query) => {
    response.writeHead(200, { "Content-Type": "application/octet-stream" });
    if (request.method === "HEAD") response.end();
    else pour(response, Number(query.get("n")));
  },
  "/until-close": (request, response, query) => {
    // node frames every HTTP/1.1 response, so this one is written by hand
    response.socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
    response.socket.end("x".repeat(Number(query.get("n"))));
  },
  "/status": (request, response, query) => {
    const code = Number(query.get("code"));
    if (code === 204 || code === 304) response.writeHead(code, { ETag: '"one"' }).end();
    else json(response, { code }, code);
  },
  "/early-hints": (request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" }, () => json(response, { hinted: true }));
  },
  "/trailers": (request, response) => {
    response.writeHead(200, { "Content-Type": "text/plain", Trailer: "X-Checksum" });
    response.write("with trailers");
    response.addTrailers({ "X-Checksum": "abc123" });
    response.end();
  },
  // Answers at once and never reads the body.
  "/early": (request, response) => json(response, { early: true }, 413, { Connection: "close" }),
  // Holds the response back until /release names the same key: a running exchange without a clock.
  "/hold": (request, response, query) => {
    const name = query.get("name");
    held.set(name, () => json(response, { held: name, instance }));
    response.on("close", () => held.delete(name));
    for (const other of waiting.get(name) ?? []) json(other, { held: name });
    waiting.delete(name);
  },
  // Answers when /hold with the same key has arrived.
  "/held": (request, response, query) => {
    const name = query.get("name");
    if (held.has(name)) json(response, { held: name });
    else waiting.set(name, [...(waiting.get(name) ?? []), response]);
  },
  "/release": (request, response, query) => {
    const finish = held.get(query.get("name"));
    if (finish) finish();
    json(response, { released: Boolean(finish) });
  },
  "/events": (request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
    response.write(": open\n\n");
    streams.add(response);
    response.on("close", () => streams.delete(response));
  },
  "/events/push": (request, response, query) => {
    for (const stream of streams) stream.write(`data: ${query.get("data")}\n\n`);
    json(response, { streams: streams.size });
  },
  "/events/close": (request, response) => {
    for (const stream of streams) stream.end();
    json(response, { closed: true });
  },
  // Promises `of` bytes, writes `n`, and cuts the connection.
  "/cut": (request, response, query) => {
    const promised = query.get("of");
    response.writeHead(200, promised ? { "Content-Length": promised } : {});
    response.write(pattern.subarray(0, Number(query.get("n") ?? 1000)), () => response.socket.destroy());
  },
  // Writes `n` bytes of a long response, and the whole process is killed.
  "/die": (request, response, query) => {
    response.writeHead(200, query.get("of") ? { "Content-Length": query.get("of") } : {});
    response.write(pattern.subarray(0, Number(query.get("n") ?? 1000)), () => process.kill(process.pid, "SIGKILL"));
  },
  "/cors": (request, response) =>
    json(response, { cors: "backend" }, 200, {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Credentials": "true",
      "Access-Control-Expose-Headers": "X-Backend",
      Vary: "Accept-Encoding",
    }),
  "/cookies": (request, response) => {
    response.setHeader("Set-Cookie", [
      "refresh=abc; HttpOnly; Path=/api/token/; SameSite=Lax",
      "session=1,2; Secure; SameSite=None; Expires=Wed, 01 Jan 2031 00:00:00 GMT",
    ]);
    json(response, { cookie: request.headers.cookie ?? null });
  },
  "/close": (request, response) => json(response, { instance }, 200, { Connection: "close" }),
  "/whoami": (request, response) => json(response, { instance }),
  "/count": (request, response) => json(response, { counted }),
  "/redirect": (request, response) => json(response, {}, 302, { Location: "/elsewhere?x=1" }),
};

function handle(request, response) {
  const url = new URL(request.url, "http://any");
  if (url.pathname !== "/count") counted += 1;
  const path = url.pathname.replace(/^\/(api|private|public)(?=\/)/, "");
  const answer = paths[path];
  if (answer) answer(request, response, url.searchParams);
  else echo(request, response);
}

const limits = { maxHeaderSize: 262144, requestTimeout: 0, keepAliveTimeout: 60000 };
const server = certificate
  ? https.createServer({ cert: readFileSync(certificate), key: readFileSync(key), ...limits }, handle)
  : http.createServer(limits, handle);
const place = process.env.UNIX_SOCKET ? [process.env.UNIX_SOCKET] : [0, "127.0.0.1"];
server.listen(...place, () => console.log(`LISTENING ${server.address().port ?? 1}`));
