// Sends requests that may be repeated, on many connections, for a time, and counts what came back.
// usage: load_client.mjs PORT SECONDS CONNECTIONS
// Prints {"requests":…,"failures":[{"method","target","status","error","after_ms"}…],"slowest_ms":…,"by":{name:count}}.
import http from "node:http";

const [port, seconds, connections] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
const requests = ["GET", "HEAD", "GET", "DELETE", "GET", "OPTIONS", "GET", "PUT"];
const end = Date.now() + seconds * 1000;
const result = { requests: 0, failures: [], slowest_ms: 0, by: {} };

function ask(method, target) {
  return new Promise((resolve) => {
    const request = http.request(
      { host: "127.0.0.1", port, method, path: target, agent, headers: { Host: "localhost" } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text) => (body += text));
        response.on("end", () => resolve({ status: response.statusCode, body }));
        response.on("error", (error) => resolve({ error: error.message }));
      },
    );
    request.on("error", (error) => resolve({ error: error.message }));
    if (method === "PUT") request.write("a body that may be sent again ".repeat(100));
    request.end();
  });
}

async function work(index) {
  for (let count = index; Date.now() < end; ++count) {
    const method = requests[count % requests.length];
    const target = `/load/${index}/${count}`;
    const began = Date.now();
    const { status, body, error } = await ask(method, target);
    const after_ms = Date.now() - began;
    result.requests += 1;
    result.slowest_ms = Math.max(result.slowest_ms, after_ms);
    if (error || status !== 200 || (method !== "HEAD" && !body))
      result.failures.push({ method, target, status, error, after_ms });
    else if (body) result.by[body] = (result.by[body] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

await Promise.all(Array.from({ length: connections }, (_, index) => work(index)));
agent.destroy();
result.failures = result.failures.slice(0, 20);
console.log(JSON.stringify(result));
