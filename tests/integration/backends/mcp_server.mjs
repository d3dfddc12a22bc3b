// A real MCP server over streamable HTTP, with sessions that no other process knows.
// usage: mcp_server.mjs NAME
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

const name = process.argv[2];
const sessions = new Map();

function makeServer() {
  const server = new McpServer({ name, version: "1.0.0" }, { capabilities: { logging: {} } });
  let calls = 0;
  server.registerTool("who", { description: "Says which process this is." }, async () => {
    calls += 1;
    return { content: [{ type: "text", text: JSON.stringify({ name, calls }) }] };
  });
  server.registerTool("remind", { description: "Sends a notification a moment later." }, async () => {
    setTimeout(() => server.server.sendLoggingMessage({ level: "info", data: `from ${name}` }), 100);
    return { content: [{ type: "text", text: "later" }] };
  });
  return server;
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString());
}

async function serve(request, response) {
  const id = request.headers["mcp-session-id"];
  const body = await bodyOf(request);
  let transport = id && sessions.get(id);
  if (id && !transport) {
    response.writeHead(404, { "Content-Type": "application/json" });
    return response.end(JSON.stringify({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null }));
  }
  if (!transport) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (made) => sessions.set(made, transport),
      onsessionclosed: (closed) => sessions.delete(closed),
    });
    await makeServer().connect(transport);
  }
  await transport.handleRequest(request, response, body);
}

const server = createServer((request, response) =>
  serve(request, response).catch((error) => {
    console.log(String(error?.stack ?? error));
    response.destroy();
  }));
server.listen(0, "127.0.0.1", () => console.log(`LISTENING ${server.address().port}`));
