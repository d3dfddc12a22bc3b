// Opens a WebSocket with the given subprotocols and headers, as strict about the answer as a browser is: one of the
// offers must be selected, and nothing else. Prints the selection and the first message, or the error, as JSON.
// usage: subprotocol_client.mjs URL HEADERS(JSON) SUBPROTOCOL…
import WebSocket from "ws";

const [url, headers, ...offered] = process.argv.slice(2);
const socket = new WebSocket(url, offered, { headers: JSON.parse(headers) });

function finish(result) {
  console.log(JSON.stringify(result));
  process.exit(0);
}

socket.on("message", (data) => finish({ protocol: socket.protocol, message: data.toString() }));
socket.on("unexpected-response", (request, response) => finish({ refused: response.statusCode }));
socket.on("error", (error) => finish({ error: error.message }));
