"""uvicorn on a port that the system chooses; prints LISTENING <port> when it serves."""

import socket

import uvicorn


class AnnouncingServer(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        print(f"LISTENING {sockets[0].getsockname()[1]}", flush=True)


def serve(app, **options):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    AnnouncingServer(uvicorn.Config(app, log_level="warning", **options)).run(sockets=[listener])
