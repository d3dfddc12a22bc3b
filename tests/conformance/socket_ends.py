"""Real ends of WebSockets that send back what they hear: python3-websockets here, Node's ws in socket_ends.mjs.

  socket_ends.py server          prints LISTENING <port>
  socket_ends.py client URL N    connects to URL?case=0 to N-1 one after the other; prints a line of JSON"""

import asyncio
import json
import sys

import websockets

OPTIONS = {"max_size": 64 * 1024 * 1024, "ping_interval": None, "compression": None, "close_timeout": 5}


async def echo(connection, _path=None):
    try:
        async for message in connection:
            await connection.send(message)
    except websockets.ConnectionClosed:
        pass


async def serve():
    async with websockets.serve(echo, "127.0.0.1", 0, **OPTIONS) as server:
        print(f"LISTENING {server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Future()


async def connect(url, count):
    ended = []
    for number in range(count):
        connection = await websockets.connect(f"{url}?case={number}", **OPTIONS)
        await echo(connection)
        await connection.wait_closed()
        ended.append(connection.close_code)
    print(json.dumps(ended))


if __name__ == "__main__":
    asyncio.run(serve() if sys.argv[1] == "server" else connect(sys.argv[2], int(sys.argv[3])))
