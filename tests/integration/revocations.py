"""What tests of revocation and logout share: tokens of one secret, a configuration that takes them, and what hangs on them."""

import http.client
import json

import tokens
from configs import upstream
from metrics import LOCAL_ADMIN, admin_port
from raw import Connection, fetch
from settings import patience
from websocket_client import WebSocket

SECRET = "0123456789abcdef0123456789abcdef"
ISSUER = "https://issuer.test"
MOST = 1_048_576
MEMORY = 64 * 1024 * 1024  # of a full table, as documented


def token(subject="alice", **changes):
    made = tokens.claims(**{"sub": subject, "sid": f"session-{subject}", "jti": f"token-{subject}", **changes})
    return tokens.token("HS256", SECRET.encode(), made)


def bearer(subject="alice", **changes):
    return [("Authorization", f"Bearer {token(subject, **changes)}")]


def config(http_backend, socket_backend=None, events=None, **more):
    made = {
        "admin": LOCAL_ADMIN, "revocations": True,
        "jwt": {"login": {"issuer": ISSUER, "secret": SECRET, "algorithms": ["HS256"]}},
        "upstreams": {"http": upstream(http_backend)},
        "routes": [{"name": "http", "upstream": "http", "jwt": "login"}], **more}
    for name, backend, path in (("ws", socket_backend, "/ws/"), ("events", events, "/events")):
        if backend:
            made["upstreams"][name] = upstream(backend)
            made["routes"].append({"name": name, "match": {"path": path}, "upstream": name, "jwt": "login"})
    return made


def revoke(gateway, body, kind="application/json"):
    """POST /revoke: (status, the answer's JSON)."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", admin_port(gateway), timeout=patience(300))
    connection.request("POST", "/revoke", body, {"Content-Type": kind})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def status(gateway, subject="alice", **changes):
    return fetch(gateway.port, target="/whoami", headers=bearer(subject, **changes)).status


def open_socket(gateway, subject="alice"):
    return WebSocket(gateway.port, "/ws/echo", headers=bearer(subject))


def open_stream(gateway, subject="alice"):
    reader = Connection(gateway.port)
    head = f"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer {token(subject)}\r\n\r\n"
    reader.send(head.encode())
    reader.take_until(b"data:")
    return reader


def is_open(socket):
    socket.send("still there")
    return socket.receive() == "still there"


def memory_of(gateway):
    with open(f"/proc/{gateway.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))
