"""FastAPI as many dashboards have it: one list of sockets for all endpoints, and a broadcast that sends to one after
the other and waits for each. Prints LISTENING <port>.

POST /broadcast?rate=R&count=N&size=S starts one that takes turns among the types; GET /sent says how many."""

import asyncio
import json
import time

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from announcing import serve

app = FastAPI()
sockets = []
sent = {"messages": 0, "done": True, "slowest_ms": 0.0}
TYPES = ("queue_update", "adw_update", "route_update", "system_status")


@app.websocket("/api/v1/ws/{topic}")
async def subscribe(websocket: WebSocket, topic: str):
    await websocket.accept()
    sockets.append(websocket)
    try:
        while True:
            await websocket.receive_text()
    except (WebSocketDisconnect, KeyError):
        pass
    finally:
        sockets.remove(websocket)


async def broadcast(rate, count, size):
    started = time.monotonic()
    for number in range(count):
        text = json.dumps({"type": TYPES[number % len(TYPES)], "n": number, "sent": time.time(), "pad": "x" * size})
        before = time.monotonic()
        for one in list(sockets):
            try:
                await one.send_text(text)
            except RuntimeError:
                pass
        sent["slowest_ms"] = max(sent["slowest_ms"], (time.monotonic() - before) * 1000)
        sent["messages"] = number + 1
        await asyncio.sleep(max(0, started + (number + 1) / rate - time.monotonic()))
    sent["done"] = True


@app.post("/broadcast")
async def begin(rate: float, count: int, size: int = 0):
    sent.update(messages=0, done=False, slowest_ms=0.0)
    sent["task"] = asyncio.get_running_loop().create_task(broadcast(rate, count, size))
    return {"sockets": len(sockets)}


@app.get("/sent")
async def progress():
    return {name: value for name, value in sent.items() if name != "task"}


if __name__ == "__main__":
    serve(app, ws="websockets", ws_ping_interval=None)
