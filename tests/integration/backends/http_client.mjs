// Node's own HTTP client over one kept connection, one request after another.
// usage: http_client.mjs <origin> [certificate authority]   with a JSON list of cases on standard input:
// [{method, path, headers, body_bytes, chunked}]. Prints a JSON list of what became of each:
// {status, interim, bytes, sha256, reused} or {error, bytes}.
import http from "node:http";
import https from "node:https";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [origin, authority] = process.argv.slice(2);
const protocol = origin.startsWith("https:") ? https : http;
const agent = new protocol.Agent({ keepAlive: true, maxSockets: 1, ...(authority && { ca: readFileSync(authority) }) });

function run({ method = "GET", path, headers = {}, body_bytes: count, chunked = false }) {
  return new Promise((resolve) => {
    const interim = [];
    const hash = createHash("sha256");
    let bytes = 0;
    const failed = (error) => resolve({ error: error.code ?? error.message, bytes });
    const framing = count === undefined ? {} : chunked ? { "Transfer-Encoding": "chunked" } : { "Content-Length": count };
    const options = { method, headers: { ...headers, ...framing }, agent };
    const request = protocol.request(origin + path, options, (response) => {
      response.on("data", (chunk) => {
        bytes += chunk.length;
        hash.update(chunk);
      });
      response.on("error", failed);
      response.on("end", () =>
        resolve({ status: response.statusCode, interim, bytes, sha256: hash.digest("hex"), reused: request.reusedSocket }),
      );
    });
    request.on("information", (information) => interim.push(information.statusCode));
    request.on("error", failed);
    const body = Buffer.alloc(count ?? 0, "postern");
    if (headers.Expect) {
      request.on("continue", () => request.end(body));
    } else if (chunked) {
      for (let at = 0; at < body.length; at += 10_000) request.write(body.subarray(at, at + 10_000));
      request.end();
    } else {
      request.end(body);
    }
  });
}

const answers = [];
for (const one of JSON.parse(readFileSync(0, "utf8"))) answers.push(await run(one));
agent.destroy();
console.log(JSON.stringify(answers));
