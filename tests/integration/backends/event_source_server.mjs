// An event stream of numbered events for every client, one each 20 ms. Who brings Last-Event-ID gets those after it.
import { createServer } from "node:http";

const clients = new Set();
const asked = [];
let last = 0;

const event = (number) => `id: ${number}\nevent: tick\ndata: {"number":${number}}\n\n`;

setInterval(() => {
  last += 1;
  for (const client of clients) client.write(event(last));
}, 20);

const server = createServer((request, response) => {
  if (request.url === "/asked") return response.end(JSON.stringify(asked));
  asked.push(request.headers["last-event-id"] ?? null);
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.write("retry: 50\n\n");
  for (let number = Number(request.headers["last-event-id"] ?? last) + 1; number <= last; ++number) {
    response.write(event(number));
  }
  clients.add(response);
  response.on("close", () => clients.delete(response));
});
server.listen(0, "127.0.0.1", () => console.log(`LISTENING ${server.address().port}`));
