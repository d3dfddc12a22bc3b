"""WebSockets: carried unchanged, refused faithfully and at once, and logged from open to end."""

import asyncio
import json
import os
import select
import ssl
import struct
import threading

import pytest
import websockets

import backends
from configs import plain_listener, simple, tls_listener
from gateway import MemoryWatch
from raw import Connection
from scripted import accepts, answer_with
from settings import MEBIBYTE, SLOW_BUILD, patience
from websocket_client import CLOSE, PING, PONG, TEXT, Frame, WebSocket, accept_for, frame, refused

SIZES = [1, 125, 126, 1000, 65_535, 65_536, 1_000_000, 4 * MEBIBYTE if SLOW_BUILD else 16 * MEBIBYTE]


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_ws, site):
    return start_shared_gateway(simple(node_ws, route={"match": {"path": "/ws"}},
                                       listeners=[plain_listener(), tls_listener(site)]))


# Carried unchanged

@pytest.mark.parametrize("size", SIZES)
def test_message_over_tls_comes_back_unchanged(gateway, trust, size):
    data = os.urandom(size)
    with WebSocket(gateway.tls_port, "/ws/echo", tls=trust, timeout=60) as socket:
        socket.send(data)
        assert socket.receive() == data
        assert socket.close().close_code == 1000


def test_node_client_over_tls_sees_its_messages_again(gateway, authority):
    result = backends.run_node("ws_client.mjs", f"wss://127.0.0.1:{gateway.tls_port}/ws/echo", authority.path, *SIZES)
    assert len(result["echoed"]) == 2 * len(SIZES) and all(message["same"] for message in result["echoed"])
    assert result["closed"] == 1000


@pytest.mark.parametrize("encrypted", [False, True])
def test_compression_is_between_the_ends(gateway, authority, encrypted):
    scheme, port = ("wss", gateway.tls_port) if encrypted else ("ws", gateway.port)
    url = f"{scheme}://127.0.0.1:{port}/ws/deflate"
    result = backends.run_node("ws_client.mjs", url, authority.path, "--deflate", 1, 1000, 300_000)
    assert result["extensions"].startswith("permessage-deflate")
    assert len(result["echoed"]) == 6 and all(message["same"] for message in result["echoed"])


def test_python_client_talks_through(gateway, authority):
    async def talk():
        context = ssl.create_default_context(cafile=authority.path)
        async with websockets.connect(f"wss://localhost:{gateway.tls_port}/ws/echo", ssl=context, host="127.0.0.1",
                                      subprotocols=["chat"]) as socket:
            assert socket.subprotocol == "chat"
            for message in ("text é", b"binary", "x" * 200_000):
                await socket.send(message)
                assert await socket.recv() == message

    asyncio.run(asyncio.wait_for(talk(), patience(20)))


def test_many_messages_stay_in_order(gateway):
    with WebSocket(gateway.port, "/ws/echo") as socket:
        count = 2000
        sender = threading.Thread(target=lambda: socket.connection.send(b"".join(frame(b"%d" % n, TEXT) for n in range(count))))
        sender.start()
        assert [socket.receive() for _ in range(count)] == [str(n) for n in range(count)]
        sender.join()


def test_fragments_pings_and_reserved_text_pass_as_they_are(start_gateway, endpoint):
    """Against an endpoint that gives the very bytes back, so each frame must be bit for bit what was sent."""
    gateway = start_gateway(simple(endpoint(accepts())))
    with WebSocket(gateway.port, "/x") as socket:
        sent = [frame(b"one ", TEXT, final=False, mask=False), frame(b"still here", PING, mask=False),
                frame(b"two", 0, mask=False), frame(b"late", PONG, mask=False),
                frame(struct.pack("!H", 4401) + "grüße".encode(), CLOSE, mask=False)]
        for data in sent:
            socket.connection.send(data)
            assert socket.connection.take(len(data)) == data


def test_messages_sent_with_the_101_are_not_lost(gateway):
    with WebSocket(gateway.port, "/ws/push?n=500") as socket:
        assert [socket.receive() for _ in range(500)] == [str(n) for n in range(500)]


def test_bytes_sent_early_wait_for_the_101(gateway):
    with WebSocket(gateway.port, "/ws/echo", early=frame(b"early", TEXT)) as socket:
        assert socket.receive() == "early"


def test_handshake_sent_byte_by_byte_is_taken(gateway):
    request = (b"GET /ws/echo HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    with Connection(gateway.port) as connection:
        for byte in request:
            connection.send(bytes([byte]))
        assert connection.read_response().header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("code, reason", [(1000, ""), (1001, "away"), (1008, "policy"), (1011, "error"), (1012, "restart"),
                                          (1013, "later"), (3000, "app"), (4401, "token expired"), (4999, "é")])
def test_close_code_and_reason_of_the_endpoint_pass(gateway, code, reason):
    from urllib.parse import quote
    with WebSocket(gateway.port, f"/ws/close?code={code}&reason={quote(reason)}") as socket:
        last = socket.receive()
        assert isinstance(last, Frame) and (last.opcode, last.close_code, last.close_reason) == (CLOSE, code, reason)


def test_endpoint_sees_the_handshake_as_the_client_sent_it(gateway):
    with WebSocket(gateway.port, "/ws/headers?jobId=all&x=%2F", {
            "Origin": "https://app.example.test", "Cookie": "a=1", "Sec-WebSocket-Protocol": "one, two"}) as socket:
        seen = json.loads(socket.receive())
    fields = dict(zip((name.lower() for name in seen["headers"][::2]), seen["headers"][1::2]))
    assert seen["target"] == "/ws/headers?jobId=all&x=%2F"
    assert fields["origin"] == "https://app.example.test" and fields["cookie"] == "a=1"
    assert fields["sec-websocket-protocol"] == "one, two" and fields["host"] == "localhost"
    assert fields["upgrade"].lower() == "websocket" and fields["x-forwarded-for"] == "127.0.0.1"


def test_subprotocol_is_chosen_by_the_endpoint(gateway):
    with WebSocket(gateway.port, "/ws/echo", {"Sec-WebSocket-Protocol": "first, chat"}) as socket:
        assert socket.protocol == "chat"
    with WebSocket(gateway.port, "/ws/echo") as socket:
        assert socket.protocol is None


# Endings

def test_half_close_of_the_client_lets_the_endpoint_finish(start_gateway, endpoint):
    def answer_after_the_end(peer):
        while peer.fill():
            pass
        count = len(peer.buffer)
        peer.send(frame(b"last words: %d" % count, mask=False))

    gateway = start_gateway(simple(endpoint(accepts(then=answer_after_the_end))))
    with WebSocket(gateway.port, "/x") as socket:
        sent = frame(b"x" * 100_000)
        socket.connection.send(sent)
        socket.connection.finish()
        assert socket.receive() == b"last words: %d" % len(sent)


def test_endpoint_that_ends_without_a_close_is_over_for_the_client(start_gateway, endpoint):
    def end_then_listen(peer):
        peer.finish()
        while peer.fill():
            pass

    upstream = endpoint(accepts(then=end_then_listen))
    gateway = start_gateway(simple(upstream))
    mark = gateway.mark()
    with WebSocket(gateway.port, "/x") as socket:
        assert socket.ends_with_close(1014)
    closed = gateway.wait_for("tunnel_close", since=mark)
    assert (closed["by"], closed["cause"], closed["close_code"]) == ("upstream", "upstream_closed", 1014)
    assert upstream.peers[0].ended.wait(patience(5))


@pytest.mark.parametrize("who", ["client", "upstream"])
def test_end_of_a_tunnel_is_logged_with_its_author(gateway, who):
    mark = gateway.mark()
    with WebSocket(gateway.port, "/ws/echo" if who == "client" else "/ws/vanish") as socket:
        opened = gateway.wait_for("tunnel_open", since=mark)
        assert opened["route"] == "all" and opened["upstream"] == "api"
        socket.send(b"12345")
        if who == "client":
            assert socket.receive() == b"12345"
            socket.connection.close()
        else:
            assert socket.ends_with_close(1014)
    closed = gateway.wait_for("tunnel_close", since=mark)
    assert closed["by"] == who and closed["request_id"] == opened["request_id"]
    assert closed["bytes_to_upstream"] == len(frame(b"12345"))
    assert closed["bytes_to_client"] == (7 if who == "client" else 0) and closed["duration_ms"] >= 0


def test_client_that_resets_is_noticed_by_the_endpoint(start_gateway, endpoint):
    upstream = endpoint(accepts())
    gateway = start_gateway(simple(upstream))
    mark = gateway.mark()
    socket = WebSocket(gateway.port, "/x")
    socket.connection.reset()
    assert upstream.peers[0].ended.wait(patience(5))
    assert gateway.wait_for("tunnel_close", since=mark)["by"] == "client"


def test_silent_tunnel_ends_at_its_limit(start_gateway, node_ws):
    gateway = start_gateway(simple(node_ws, limits={"tunnel_idle_timeout": "300ms"}))
    mark = gateway.mark()
    with WebSocket(gateway.port, "/echo") as socket:
        socket.send("alive")
        assert socket.receive() == "alive"
        socket.connection.read_to_end()
    closed = gateway.wait_for("tunnel_close", since=mark)
    assert (closed["by"], closed["cause"]) == ("gateway", "timed_out")


@pytest.mark.slow
def test_slow_reader_of_a_tunnel_costs_no_memory(start_gateway, endpoint):
    total = 64 * MEBIBYTE  # more than all the buffers on the way

    stuck = threading.Event()

    def pour(peer):
        left = memoryview(bytes(total))
        while left:
            if not select.select([], [peer.socket], [], 0.3)[1]:
                stuck.set()  # every buffer on the way is full
                select.select([], [peer.socket], [], patience(30))
            left = left[peer.socket.send(left[:MEBIBYTE]):]
        peer.finish()
        while peer.fill():
            pass

    # A slow machine takes longer than the usual interval, and a ping between the frames is none of the zeros.
    gateway = start_gateway(simple(endpoint(accepts(then=pour)), workers=1, websocket={"ping_interval": "none"}))
    with WebSocket(gateway.port, "/x", receive_buffer=65536) as socket:
        with MemoryWatch(gateway) as watch:
            assert stuck.wait(patience(20))
            received = socket.connection.read_to_end()
    # The endpoint left without a Close frame; the zeros were whole frames, so the gateway could add one.
    assert len(received) > total and received[:total].count(0) == total and received[total:total + 1] == b"\x88"
    if not SLOW_BUILD:
        assert watch.growth < 4 * MEBIBYTE


# Refusals: every upgrade that is not taken is answered at once

@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_refusal_of_the_endpoint_passes_whole(gateway, status):
    response = refused(gateway.port, f"/ws/refuse?status={status}")
    assert response.status == status and response.json() == {"refused": status}
    assert response.header("x-refused-by") == "backend"


def test_upgrade_without_a_route_is_404_at_once(gateway):
    response = refused(gateway.port, "/elsewhere", timeout=5)
    assert (response.status, response.json()["error"]) == (404, "no_route")


def test_upgrade_to_an_absent_endpoint_is_502_at_once(start_gateway, endpoint):
    absent = endpoint()
    absent.stop()
    gateway = start_gateway(simple(absent))
    response = refused(gateway.port, "/x", timeout=5)
    assert (response.status, response.json()["error"]) == (502, "upstream_refused")
    assert str(absent.port) in response.json().get("detail", "") + json.dumps(gateway.exchange(response))


BASE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@pytest.mark.parametrize("change", [
    {"Sec-WebSocket-Version": "12"}, {"Sec-WebSocket-Version": None}, {"Sec-WebSocket-Key": None},
    {"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ"}], ids=str)
def test_handshake_that_is_none_is_426(gateway, change):
    fields = [(name, value) for name, value in {**BASE, **change}.items() if value is not None]
    with Connection(gateway.port, timeout=5) as connection:
        response = connection.request("GET", "/ws/echo", fields)
    assert (response.status, response.json()["error"]) == (426, "upgrade_required")
    assert response.header("sec-websocket-version") == "13"


def test_post_is_never_an_upgrade(gateway):
    with Connection(gateway.port, timeout=5) as connection:
        response = connection.request("POST", "/ws/echo", list(BASE.items()), b"x")
        assert response.status != 101


def test_refused_upgrade_leaves_the_client_able_to_try_again(gateway):
    for _ in range(20):
        assert refused(gateway.port, "/ws/refuse?status=403", timeout=5).status == 403
    with WebSocket(gateway.port, "/ws/echo", timeout=5) as socket:
        socket.send("fine")
        assert socket.receive() == "fine"


# An endpoint that answers the handshake wrongly

BAD_ANSWERS = {
    "wrong accept": accepts(accept=b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    "subprotocol nobody offered": accepts(b"Sec-WebSocket-Protocol: other"),
    "extension nobody offered": accepts(b"Sec-WebSocket-Extensions: x-foo"),
    "no upgrade field": answer_with(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"),
    "other protocol": answer_with(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
    "no accept": answer_with(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "no answer": lambda peer: peer.read_head() and None,
    "not HTTP": answer_with(b"hello\r\n\r\n"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_wrong_answer_of_the_endpoint_is_502_at_once(start_gateway, endpoint, name):
    gateway = start_gateway(simple(endpoint(BAD_ANSWERS[name]), upstream_options={"retries": 0}))
    response = refused(gateway.port, "/x", {"Sec-WebSocket-Protocol": "chat"}, timeout=5)
    assert response.status == 502
    assert response.json()["error"] in ("upstream_bad_handshake", "upstream_bad_response", "upstream_closed")
    line = gateway.exchange(response)
    assert line["fault"] == "upstream" and line["status"] == 502


def test_unasked_101_is_502(start_gateway, endpoint):
    script = answer_with(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nevil")
    gateway = start_gateway(simple(endpoint(script), upstream_options={"retries": 0}))
    with Connection(gateway.port, timeout=5) as connection:
        assert connection.request("GET", "/x").status == 502


def test_early_tunnel_bytes_wait_for_the_101(start_gateway, endpoint):
    """Until the endpoint has agreed, what follows an upgrade request may be anything, so it stays here."""
    seen = {}

    def script(peer):
        head = peer.read_head()
        peer.socket.settimeout(0.3)
        try:
            seen["early"] = peer.socket.recv(100)
        except TimeoutError:
            seen["early"] = b""
        peer.socket.settimeout(20)
        key = next(line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                  + accept_for(key.decode()).encode() + b"\r\n\r\n")
        seen["after"] = peer.read(5)

    gateway = start_gateway(simple(endpoint(script)))
    with WebSocket(gateway.port, "/x", early=b"early") as socket:
        assert socket.ends_with_close(1014)
    assert seen == {"early": b"", "after": b"early"}
