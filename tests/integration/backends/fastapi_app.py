"""FastAPI under uvicorn: JSON, an upload, a stream, and WebSockets. Prints LISTENING <port>."""

import hashlib

from fastapi import FastAPI, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.websockets import WebSocketDisconnect

from announcing import serve

app = FastAPI()
# What many backends do; a gateway that owns CORS must not let these fields through beside its own.
app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:5173"], allow_credentials=True)


@app.get("/api/health/{service}")
async def health(service: str, request: Request):
    return {"service": service, "scheme": request.url.scheme, "headers": dict(request.headers)}


@app.post("/api/upload")
async def upload(request: Request):
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


@app.get("/api/stream")
async def stream(count: int):
    async def lines():
        for number in range(count):
            yield f"line {number}\n"
    return StreamingResponse(lines(), media_type="text/plain")


@app.get("/api/fails")
async def fails():
    raise RuntimeError("deliberate")


@app.get("/api/moved")
async def moved(request: Request):
    return RedirectResponse(request.url_for("health", service="moved"))


@app.get("/api/text")
async def text():
    return PlainTextResponse("grüße")


@app.websocket("/ws")
async def echo(websocket: WebSocket):
    await websocket.accept(subprotocol="chat" if "chat" in websocket.scope["subprotocols"] else None)
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        pass


@app.websocket("/ws/denied")
async def denied(websocket: WebSocket):
    await websocket.close(code=4403)


@app.websocket("/ws/kicked")
async def kicked(websocket: WebSocket):
    await websocket.accept()
    await websocket.close(code=4401, reason="token expired")


if __name__ == "__main__":
    serve(app)
