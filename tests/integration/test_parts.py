"""The parts by themselves, without a gateway between them: when one of these fails, look at the parts first."""

import asyncio
import hashlib
import json
import re

import jwt
import pytest
import websockets

import backends
import tokens
from raw import Connection, Truncated, fetch
from scripted import ScriptedEndpoint, answer_with
from websocket_client import Frame, WebSocket, refused
from yaml_text import to_yaml

pytestmark = pytest.mark.no_gateway


def test_node_echo_gives_back_method_headers_and_body_hash(node_http):
    body = b"x" * 100_000
    answer = fetch(node_http.port, "POST", "/echo?a=1", {"X-One": "1"}, body).json()
    assert (answer["method"], answer["target"], answer["body_bytes"]) == ("POST", "/echo?a=1", len(body))
    assert answer["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert ["X-One", "1"] in answer["headers"]


def test_raw_client_reads_every_framing(node_http):
    assert fetch(node_http.port, target="/bytes?n=100000").framing == "length"
    chunked = fetch(node_http.port, target="/chunked?n=100000")
    assert (chunked.framing, len(chunked.body)) == ("chunked", 100_000)
    assert fetch(node_http.port, target="/until-close?n=500").framing == "close"
    assert fetch(node_http.port, target="/trailers").trailers == [("X-Checksum", "abc123")]
    assert [hint.status for hint in fetch(node_http.port, target="/early-hints").interim] == [103]
    with pytest.raises(Truncated):
        fetch(node_http.port, target="/cut?n=1000&of=5000")
    with pytest.raises(Truncated):
        fetch(node_http.port, target="/cut?n=1000")


def test_scripted_endpoint_remembers_what_it_was_sent():
    with ScriptedEndpoint(answer_with(b"HTTP/1.1 204 No Content\r\n\r\n")) as endpoint:
        assert fetch(endpoint.port, "POST", "/x", body=b"abc").status == 204
        assert endpoint.requests[0][0].startswith(b"POST /x HTTP/1.1\r\n") and endpoint.requests[0][1] == b"abc"


def test_websocket_client_and_node_server_agree(node_ws):
    with WebSocket(node_ws.port, "/echo", {"Sec-WebSocket-Protocol": "other, chat"}) as socket:
        assert socket.protocol == "chat"
        for data in (b"x", b"y" * 70_000, "text é"):
            socket.send(data)
            assert socket.receive() == data
        assert socket.close(1000, "bye").close_code == 1000
    assert refused(node_ws.port, "/refuse?status=403").status == 403
    with WebSocket(node_ws.port, "/close?code=4401&reason=token") as socket:
        last = socket.receive()
        assert isinstance(last, Frame) and (last.close_code, last.close_reason) == (4401, "token")


@pytest.mark.parametrize("deflate", [False, True])
def test_node_websocket_client_sees_its_messages_again(node_ws, deflate):
    options = ["--deflate"] if deflate else []
    result = backends.run_node("ws_client.mjs", f"ws://127.0.0.1:{node_ws.port}/{'deflate' if deflate else 'echo'}", "-",
                               *options, 1, 125, 65536, 1_000_000)
    assert len(result["echoed"]) == 8 and all(message["same"] for message in result["echoed"])
    assert (result["extensions"] != "") == deflate


@pytest.mark.parametrize("transports", [["polling", "websocket"], ["websocket"], ["polling"]])
def test_socketio_client_and_server_agree(node_socketio, transports):
    result = backends.run_node("socketio_client.mjs", node_socketio.url, json.dumps({"transports": transports}))
    assert result["transports"] == transports
    assert result["binary"] and result["large"] == 500_000 and result["text"] == "héllo wörld"


def test_socketio_namespace_wants_its_token(node_socketio):
    result = backends.run_node("socketio_client.mjs", node_socketio.url, json.dumps({"namespace": "/guarded"}))
    assert result["connectError"] == "Authentication token required in auth field"


def test_fastapi_answers_http_and_websocket(fastapi_backend):
    assert fetch(fastapi_backend.port, target="/api/health/bot").json()["service"] == "bot"

    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{fastapi_backend.port}/ws") as socket:
            await socket.send("hello")
            return await socket.recv()

    assert asyncio.run(talk()) == "hello"
    assert refused(fastapi_backend.port, "/ws/denied").status == 403


def test_channels_validates_the_origin(django_backend):
    assert fetch(django_backend.port, target="/api/x?y=1").json()["query"] == {"y": "1"}
    with WebSocket(django_backend.port, "/ws/chat/", {"Origin": "http://localhost"}) as socket:
        socket.send("hello")
        assert socket.receive() == "hello"
    assert refused(django_backend.port, "/ws/chat/", {"Origin": "http://elsewhere.test"}).status == 403


def test_vite_serves_its_hot_module_socket(vite):
    client = fetch(vite.port, target="/@vite/client", host=f"localhost:{vite.port}")
    token = re.search(rb'wsToken = "([^"]+)"', client.body).group(1).decode()
    with WebSocket(vite.port, f"/?token={token}", {"Sec-WebSocket-Protocol": "vite-hmr"}, f"localhost:{vite.port}") as socket:
        assert json.loads(socket.receive()) == {"type": "connected"}


@pytest.mark.browser
def test_chromium_page_reads_and_opens_a_socket(chromium, node_ws):
    result = backends.run_node("chromium_page.mjs", json.dumps({
        "executable": chromium, "map": ["page.example.test 127.0.0.1"],
        "page": f"http://page.example.test:{node_ws.port}/", "fetches": [{"url": "/x"}],
        "sockets": [{"url": f"ws://page.example.test:{node_ws.port}/echo"}]}))
    assert result["page"] == 200 and result["fetches"][0]["body"] == "plain /x"
    assert result["sockets"][0]["messages"] == ["hello from the page"] and result["sockets"][0]["clean"]


def test_nginx_stands_in_front(node_http, tmp_path):
    if backends.program("nginx") is None:
        pytest.fail("nginx is not installed: scripts/install-dependencies test browser")
    with backends.Nginx(tmp_path, f"location / {{ proxy_pass {node_http.url}; }}") as nginx:
        assert fetch(nginx.port, target="/echo").status == 200


def test_tokens_are_what_their_header_says(keys):
    ring = {key["kid"]: key for key in keys.key_set()["keys"]}
    for algorithm in tokens.ASYMMETRIC:
        public = jwt.api_jwk.PyJWK(ring[algorithm], algorithm).key
        assert jwt.decode(keys.token(algorithm), public, [algorithm], audience="app")["sub"] == "alice"


def test_yaml_text_is_block_yaml():
    text = to_yaml({"a": [{"b": "x", "c": [1, True]}, "t"], "d": {}, "e": {"f": None}})
    assert text == 'a:\n  - b: "x"\n    c:\n      - 1\n      - true\n  - "t"\nd: {}\ne:\n  f: null\n'


def test_connection_reads_pipelined_responses(node_http):
    with Connection(node_http.port) as connection:
        connection.send(b"GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [connection.read_response().json()["target"] for _ in range(2)] == ["/echo?1", "/echo?2"]
