// One client of SignalR, Phoenix or GraphQL, as a page uses it, with its pauses made short. Prints one line of
// JSON: what it came to.
// usage: socket_libraries.mjs signalr|phoenix|graphql URL [MILLISECONDS]
import WebSocket from "ws";

const [library, url, limit] = process.argv.slice(2);
const origin = "https://app.example.test";
let opened = 0;
let attempts = 0;
const closes = [];

// As a page opens sockets: its browser says where it comes from.
class PageSocket extends WebSocket {
  constructor(address, protocols, options) {
    super(address, protocols, { ...options, origin });
    attempts += 1;
    this.addEventListener("open", () => (opened += 1));
    this.addEventListener("close", ({ code }) => closes.push(code));
  }
}

const clients = {
  async signalr() {
    const { HubConnectionBuilder, LogLevel } = await import("@microsoft/signalr");
    const connection = new HubConnectionBuilder()
      .withUrl(url, { WebSocket: PageSocket, headers: { Origin: origin } })
      .configureLogging(LogLevel.None)
      .build();
    try {
      await connection.start();
      const echo = await connection.invoke("Echo", "hello");
      const transport = connection.connection.transport.constructor.name;
      await connection.stop();
      return { echo, transport };
    } catch (error) {
      return { failed: String(error) };
    }
  },

  async phoenix() {
    const { Socket } = await import("phoenix");
    const pauses = [];
    const address = new URL(url);
    const params = Object.fromEntries(address.searchParams); // Phoenix puts its own path behind the URL
    address.search = "";
    const socket = new Socket(String(address), {
      params,
      transport: PageSocket,
      reconnectAfterMs: (tries) => {
        const pause = [20, 40, 80, 160, 320, 640][tries - 1] ?? 640;
        pauses.push(pause);
        return pause;
      },
    });
    socket.connect();
    if (limit) {
      await new Promise((resolve) => setTimeout(resolve, Number(limit)));
      socket.disconnect();
      return { pauses };
    }
    const channel = socket.channel("room:lobby", {});
    const reply = (push) =>
      new Promise((resolve, reject) => push.receive("ok", resolve).receive("error", reject).receive("timeout", reject));
    await reply(channel.join());
    const echo = await reply(channel.push("echo", { text: "hello" }));
    socket.disconnect();
    return { echo };
  },

  async graphql() {
    const { createClient } = await import("graphql-ws");
    const client = createClient({
      url,
      webSocketImpl: PageSocket,
      retryAttempts: 2,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
      shouldRetry: () => true, // as its users say, since a browser tells a handshake that failed as an Event
    });
    const counts = [];
    try {
      for await (const { data } of client.iterate({ query: "subscription { count }" })) counts.push(data.count);
      await client.dispose();
      return { counts };
    } catch (error) {
      return { failed: error.code ?? String(error.message ?? error) };
    }
  },
};

const result = await clients[library]();
console.log(JSON.stringify({ ...result, attempts, opened, closes }));
process.exit(0);
