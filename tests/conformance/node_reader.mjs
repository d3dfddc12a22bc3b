// Reads messages with Node's HTTP server and client. Standard input: any number of [kind, length (4 bytes, big
// endian), bytes], as for reader_main.cpp. Standard output, for each: one line of JSON with what was read.
import http from 'node:http';
import { once } from 'node:events';
import { Duplex } from 'node:stream';

function socketOf(bytes) {
  let sent = false;
  const socket = new Duplex({
    read() {
      if (sent) return;
      sent = true;
      this.push(bytes);
      this.push(null);
    },
    write(_chunk, _encoding, done) { done(); },
  });
  for (const name of ['setTimeout', 'setNoDelay', 'setKeepAlive', 'ref', 'unref', 'cork', 'uncork']) {
    if (!socket[name]) socket[name] = () => socket;
  }
  return socket;
}

const hex = (chunks) => Buffer.concat(chunks).toString('hex');
const fieldsOf = (raw) => raw.map((text) => Buffer.from(text, 'latin1').toString('hex'));
const patience = 2000;

let reading;
const server = http.createServer();
function answer(request, response) {
  const found = { method: request.method, target: request.url, fields: fieldsOf(request.rawHeaders), whole: false };
  reading.messages.push(found);
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    found.body = hex(chunks);
    found.whole = request.complete;
    response.end();
  });
}
server.on('request', answer);
server.on('checkContinue', answer);  // the body is there already; Node 18 loses it when it writes a 100
server.on('clientError', (error, socket) => {
  reading.error = error.code ?? String(error);
  socket.destroy();
});

async function readRequest(bytes) {
  reading = { messages: [], error: null };
  const socket = socketOf(bytes);
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(patience) });
  server.emit('connection', socket);
  await closed.catch(() => { reading.error ??= 'never ended'; socket.destroy(); });
  return reading;
}

function readResponse(bytes, method) {
  return new Promise((resolve) => {
    const result = { messages: [], error: null };
    const socket = socketOf(bytes);
    const request = http.request({ method, createConnection: () => socket, host: 'localhost' });
    const timer = setTimeout(() => { result.error ??= 'never ended'; socket.destroy(); }, patience);
    request.on('error', (error) => { result.error = error.code ?? String(error); });
    request.on('response', (response) => {
      const found = { status: response.statusCode, fields: fieldsOf(response.rawHeaders), whole: false };
      result.messages.push(found);
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', () => {});
      response.on('close', () => {
        found.body = hex(chunks);
        found.fields.push(...fieldsOf(response.rawTrailers));
        found.whole = response.complete;
      });
    });
    request.on('close', () => setImmediate(() => { clearTimeout(timer); resolve(result); }));
    request.end();
  });
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const input = Buffer.concat(chunks);
const lines = [];
for (let at = 0; at < input.length;) {
  const kind = String.fromCharCode(input[at]);
  const length = input.readUInt32BE(at + 1);
  const bytes = input.subarray(at + 5, at + 5 + length);
  at += 5 + length;
  const result = kind === 'q' ? await readRequest(bytes) : await readResponse(bytes, kind === 'h' ? 'HEAD' : 'GET');
  lines.push(JSON.stringify(result));
}
process.stdout.write(lines.join('\n') + '\n');
