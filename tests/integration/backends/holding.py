"""Holds WebSockets and event streams open and says nothing on them: asyncio, so that ten thousand cost little."""

import asyncio
import base64
import hashlib
import resource

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n: one\n\n\r\n"


class Held(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.head = transport, b""

    def data_received(self, data):
        if self.head is None:  # frames of a WebSocket: a close is answered by leaving
            self.transport.close()
            return
        self.head += data
        if b"\r\n\r\n" not in self.head:
            return
        fields = [line.split(b": ", 1) for line in self.head.split(b"\r\n") if b": " in line]
        self.head = None
        key = next((value for name, value in fields if name.lower() == b"sec-websocket-key"), None)
        if key is None:
            self.transport.write(EVENTS)
            return
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")


async def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = await asyncio.get_running_loop().create_server(Held, "127.0.0.1", 0, backlog=1024)
    print(f"LISTENING {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
