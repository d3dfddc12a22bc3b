// One client that sends a token in its first message, with its pauses made short. Prints one line of JSON: what
// it came to.
// usage: first_message_client.mjs graphql|stomp URL TOKEN
import WebSocket from "ws";

const [library, url, token] = process.argv.slice(2);
let attempts = 0;
const closes = [];

class CountedSocket extends WebSocket {
  constructor(...all) {
    super(...all);
    attempts += 1;
    this.addEventListener("close", ({ code }) => closes.push(code));
  }
}

const clients = {
  async graphql() {
    const { createClient } = await import("graphql-ws");
    const client = createClient({
      url,
      webSocketImpl: CountedSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
      retryAttempts: 2,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    });
    const counts = [];
    try {
      for await (const { data } of client.iterate({ query: "subscription { count }" })) counts.push(data.count);
      return { counts };
    } catch (error) {
      return { failed: error.code };
    } finally {
      await client.dispose();
    }
  },

  async stomp() {
    const { Client } = await import("@stomp/stompjs");
    return new Promise((resolve) => {
      let error;
      const client = new Client({
        webSocketFactory: () => new CountedSocket(url, ["v12.stomp", "v11.stomp"]),
        connectHeaders: { Authorization: `Bearer ${token}` },
        reconnectDelay: 0,
        heartbeatIncoming: 200,
        heartbeatOutgoing: 200,
        onStompError: (frame) => (error = frame.headers.message),
        onWebSocketClose: () => resolve({ error }),
        onConnect: () => {
          client.subscribe("/topic/a", ({ body }) => {
            resolve({ body });
            client.deactivate();
          });
          client.publish({ destination: "/topic/a", body: "hello" });
        },
      });
      client.activate();
    });
  },
};

const result = await clients[library]();
console.log(JSON.stringify({ ...result, attempts, closes }));
setTimeout(() => process.exit(0), 500).unref();
