// Real MCP clients over streamable HTTP, all at once: each calls a tool several times, waits for a notification on its own
// event stream, and ends its session. Prints JSON.
// usage: mcp_client.mjs URL CLIENTS CALLS
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const [url, clients, calls] = process.argv.slice(2);

async function run() {
  const client = new Client({ name: "postern-test", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(new URL(url));
  const told = new Promise((resolve) =>
    client.setNotificationHandler(LoggingMessageNotificationSchema, (message) => resolve(message.params.data)));
  await client.connect(transport);
  const session = transport.sessionId;
  const answers = [];
  for (let i = 0; i < Number(calls); ++i) {
    const answer = await client.callTool({ name: "who", arguments: {} });
    answers.push(JSON.parse(answer.content[0].text));
  }
  await client.callTool({ name: "remind", arguments: {} });
  const notification = await told;
  await transport.terminateSession();
  await client.close();
  return { session, answers, notification };
}

console.log(JSON.stringify(await Promise.all(Array.from({ length: Number(clients) }, run))));
process.exit(0);
