"""What the gateway understands of WebSockets: who is alive, what may be said, who is told what, and why each ended."""

import asyncio
import json
import os
import random
import signal
import string
import subprocess
import time

import pytest
import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

import backends
import metrics
import tokens
from configs import example, simple, upstream
from gateway import MemoryWatch
from raw import fetch
from scripted import accepts
from settings import MEBIBYTE, SLOW_BUILD, patience
from websocket_client import CLOSE, PING, PONG, Frame, WebSocket, frame, read_frame, refused

LIVENESS = {"ping_interval": "400ms", "pong_timeout": "2s"}
FOUND_WITHIN = 0.4 + 2 + 0.5  # and a moment for the machine


def socket_route(**websocket):
    return {"websocket": websocket}


def closed(gateway, since, **fields):
    return gateway.wait_for("tunnel_close", since=since, **fields)


# --- alive or not ---

STOPPABLE_CLIENT = """
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], ping_interval=None) as socket:
        await socket.send("hello")
        print(await socket.recv(), flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def test_stopped_client_is_found_and_named(start_gateway, node_ws):
    gateway = start_gateway(simple(node_ws, route=socket_route(**LIVENESS)))
    mark = gateway.mark()
    client = subprocess.Popen([backends.PYTHON, "-c", STOPPABLE_CLIENT, f"ws://127.0.0.1:{gateway.port}/echo"],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout.readline() == "hello\n"
        time.sleep(1.5)  # several pings, all of them answered
        assert not gateway.find("tunnel_close", since=mark)
        client.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        line = closed(gateway, mark)
        assert time.monotonic() - stopped < patience(FOUND_WITHIN)
        assert (line["by"], line["cause"], line["close_code"]) == ("client", "client_silent", 1006)
        assert line["client_quiet_ms"] >= 400 and line["messages_to_client"] == line["messages_to_upstream"] == 1
    finally:
        client.kill()
        client.wait()
        client.stdout.close()


def test_stopped_backend_is_found_and_its_client_is_told(start_gateway, start_backend):
    backend = start_backend(backends.node, "node_ws.mjs")
    gateway = start_gateway(simple(backend, route=socket_route(**LIVENESS)))
    mark = gateway.mark()
    with WebSocket(gateway.port, "/echo") as socket:
        socket.send("hello")
        assert socket.receive() == "hello"
        os.kill(backend.pid, signal.SIGSTOP)
        try:
            last = socket.receive()  # answers our pings on the way
            assert isinstance(last, Frame) and last.close_code == 1011
        finally:
            os.kill(backend.pid, signal.SIGCONT)
    line = closed(gateway, mark)
    assert (line["by"], line["cause"], line["close_code"]) == ("upstream", "upstream_silent", 1011)


def test_client_that_leaves_while_a_rate_slows_it_is_noticed(start_gateway, node_ws):
    gateway = start_gateway(simple(node_ws, route=socket_route(
        **LIVENESS, from_client={"byte_rate": "1KiB/s", "on_rate": "slow"})))
    mark = gateway.mark()
    with WebSocket(gateway.port, "/echo") as socket:
        socket.send(b"x" * 60_000)  # a minute's worth: nothing more is read from it
        time.sleep(1)
        assert not gateway.find("tunnel_close", since=mark)
    left = time.monotonic()
    line = closed(gateway, mark)
    assert time.monotonic() - left < patience(FOUND_WITHIN)
    assert (line["by"], line["close_code"]) == ("client", 1006)


def test_quiet_sockets_outlive_every_ping_and_the_ends_see_none_of_the_answers(start_gateway, endpoint):
    heard = []

    def listen(peer):
        while (got := read_masked(peer)) is not None:
            heard.append(got)
            if got[0] == PING:
                peer.send(frame(got[1], PONG, mask=False))

    gateway = start_gateway(simple(endpoint(accepts(then=listen)), route=socket_route(ping_interval="100ms", pong_timeout="2s")))
    with WebSocket(gateway.port, "/x") as socket:
        for _ in range(6):
            got = read_frame(socket.connection)
            assert got.opcode == PING
            socket.connection.send(frame(got.data, PONG))
        deadline = time.monotonic() + patience(5)
        while len(heard) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert {opcode for opcode, _ in heard} <= {PING, CLOSE}  # no pongs of the other side


def read_masked(peer):
    """A client's frame as an endpoint reads it: (opcode, payload), or nothing at the end."""
    while len(peer.buffer) < 2 or len(peer.buffer) < 6 + (peer.buffer[1] & 0x7F):
        if not peer.fill():
            return None
    length = peer.buffer[1] & 0x7F
    mask, data = peer.buffer[2:6], peer.buffer[6:6 + length]
    got = peer.buffer[0] & 15, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    del peer.buffer[:6 + length]
    return got


def test_heartbeat_is_seen_by_the_page(start_gateway, node_ws):
    gateway = start_gateway(simple(node_ws, route=socket_route(heartbeat={"interval": "200ms"})))
    with WebSocket(gateway.port, "/echo") as socket:
        assert [json.loads(socket.receive()) for _ in range(3)] == [{"type": "heartbeat"}] * 3


# --- real ends on both sides, through every mode ---

@pytest.mark.parametrize("mode", ["tunnel", "walk", "inspect"])
@pytest.mark.parametrize("deflate", [False, True])
def test_node_ends_talk_through_every_mode(start_gateway, node_ws, mode, deflate):
    gateway = start_gateway(simple(node_ws, route=socket_route(mode=mode)))
    sizes = [0, 1, 125, 126, 300, 65_535, 65_536, 1_000_000]
    target = "deflate" if deflate else "echo"
    result = backends.run_node("ws_client.mjs", f"ws://127.0.0.1:{gateway.port}/{target}", "-",
                               *(["--deflate"] if deflate else []), *sizes)
    assert len(result["echoed"]) == 2 * len(sizes) and all(message["same"] for message in result["echoed"])
    assert result["closed"] == 1000
    assert result["extensions"].startswith("permessage-deflate") == deflate


@pytest.mark.parametrize("mode", ["tunnel", "walk", "inspect"])
def test_python_ends_talk_through_every_mode(start_gateway, fastapi_backend, mode):
    gateway = start_gateway(simple(fastapi_backend, route=socket_route(mode=mode)))

    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{gateway.port}/ws", subprotocols=["chat"]) as socket:
            assert socket.subprotocol == "chat"
            for message in ("text é", b"binary", "x" * 200_000, ""):
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send(iter(["in ", "frag", "ments"]))
            assert await socket.recv() == "in fragments"
            await asyncio.wait_for(await socket.ping(), 5)

    asyncio.run(asyncio.wait_for(talk(), patience(20)))


@pytest.mark.parametrize("bits", [9, 10, 15])
def test_client_is_given_the_window_that_it_asks_for(start_gateway, fastapi_backend, bits):
    gateway = start_gateway(simple(fastapi_backend, route=socket_route(mode="inspect")))
    deflate = ClientPerMessageDeflateFactory(server_max_window_bits=bits)
    line = "".join(random.Random(1).choices(string.ascii_letters, k=900))

    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{gateway.port}/ws", subprotocols=["chat"], compression=None,
                                      extensions=[deflate]) as socket:
            assert [extension.remote_max_window_bits for extension in socket.extensions] == [bits]
            for message in ("small", line * 50, line):  # repeats lie further back than 512 bytes
                await socket.send(message)
                assert await socket.recv() == message

    asyncio.run(asyncio.wait_for(talk(), patience(20)))


# --- rules ---

@pytest.fixture
def dashboard(start_backend):
    return start_backend(backends.python, "broadcast_app.py")


def begin_broadcast(backend, **query):
    target = "/broadcast?" + "&".join(f"{name}={value}" for name, value in query.items())
    answer = fetch(backend.port, "POST", target)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_each_endpoint_gets_its_own_types_from_a_backend_that_tells_all_to_all(start_gateway, dashboard):
    def topic(name, *types):
        return {"name": name, "match": {"path": f"/api/v1/ws/{name}"}, "upstream": "api",
                "websocket": {"from_upstream": {"types": list(types)}, "from_client": {"messages": "text", "message_size": "1KiB"}}}

    gateway = start_gateway({"upstreams": {"api": upstream(dashboard)},
                             "routes": [topic("queue", "queue_update"), topic("adw", "adw_update"),
                                        {"name": "all", "upstream": "api"}]})
    sockets = {name: WebSocket(gateway.port, f"/api/v1/ws/{name}") for name in ("queue", "adw", "all")}
    assert begin_broadcast(dashboard, rate=1000, count=40)["sockets"] == 3
    got = {name: [json.loads(socket.receive()) for _ in range(40 if name == "all" else 10)] for name, socket in sockets.items()}
    assert {message["type"] for message in got["queue"]} == {"queue_update"}
    assert [message["n"] for message in got["queue"]] == list(range(0, 40, 4))
    assert {message["type"] for message in got["adw"]} == {"adw_update"}
    assert [message["n"] for message in got["all"]] == list(range(40))
    mark = gateway.mark()
    sockets["queue"].send(b"binary, which receive_text() would die of")
    assert sockets["queue"].receive().close_code == 1003
    sockets["adw"].send("x" * 1025)
    assert sockets["adw"].receive().close_code == 1009
    for route, rule in (("queue", "from_client.messages"), ("adw", "from_client.message_size")):
        line = closed(gateway, mark, route=route)
        assert (line["by"], line["cause"], line["rule"]) == ("client", "client_message_refused", rule)
    for socket in sockets.values():
        socket.connection.close()


def test_a_reader_that_stops_costs_a_bounded_buffer_and_disturbs_nobody(start_gateway, dashboard):
    """A thousand messages a second to a hundred readers; one of them stops."""
    # More than the kernel's buffers take, in either case.
    rate, count, readers, size = (200, 1_000, 10, 10_000) if SLOW_BUILD else (1_000, 4_000, 100, 1_000)
    gateway = start_gateway(simple(dashboard, workers=1, admin=metrics.LOCAL_ADMIN, route=socket_route(
        slow_reader="drop_oldest", buffer="256KiB", ping_interval="none")))
    stuck = WebSocket(gateway.port, "/api/v1/ws/queue", receive_buffer=8192)
    late, ready, got = [], [], []

    async def read():
        """All that comes, to the last message: the newest is never dropped."""
        async with websockets.connect(f"ws://127.0.0.1:{gateway.port}/api/v1/ws/queue", ping_interval=None,
                                      max_queue=None, compression=None) as socket:
            ready.append(socket)
            numbers = []
            got.append(numbers)
            while not numbers or numbers[-1] != count - 1:
                message = json.loads(await socket.recv())
                late.append(time.time() - message["sent"])
                numbers.append(message["n"])

    async def while_there_is_progress(tasks, progress, done):
        """Waits for `done`; a reader that fails, or a time in which nothing comes, ends it."""
        seen, since = None, time.monotonic()
        while not done():
            for task in tasks:
                if task.done():
                    task.result()
            if progress() != seen:
                seen, since = progress(), time.monotonic()
            assert time.monotonic() - since < patience(10), f"nothing came: {seen}, {sorted(map(len, got))}"
            await asyncio.sleep(0.05)

    async def all_readers():
        tasks = [asyncio.ensure_future(read()) for _ in range(readers - 1)]
        await while_there_is_progress(tasks, lambda: len(ready), lambda: len(ready) == readers - 1)
        await asyncio.get_running_loop().run_in_executor(
            None, lambda: begin_broadcast(dashboard, rate=rate, count=count, size=size))
        await while_there_is_progress(tasks, lambda: len(late), lambda: all(task.done() for task in tasks))
        await asyncio.gather(*tasks)

    with MemoryWatch(gateway) as watch:
        asyncio.run(all_readers())
    progress = json.loads(fetch(dashboard.port, target="/sent").body)
    late.sort()
    print(f"{readers - 1} readers, {len(late)} messages: p50 {late[len(late) // 2] * 1000:.0f} ms, p99 "
          f"{late[len(late) * 99 // 100] * 1000:.0f} ms; gateway grew by {watch.growth / 1024:.0f} KiB, "
          f"slowest broadcast {progress['slowest_ms']:.0f} ms")
    assert all(numbers == sorted(set(numbers)) for numbers in got)
    # A reader that the machine gives no time to falls behind by itself; one that is read to misses nothing.
    missed = sum(count - len(numbers) for numbers in got)
    assert missed == 0 or (SLOW_BUILD and missed < (readers - 1) * count / 2), sorted(map(len, got))
    assert SLOW_BUILD or watch.growth < 16 * MEBIBYTE  # a sanitizer keeps what was freed
    dropped = metrics.number(gateway, "postern_websocket_messages_dropped_total")
    numbers = []
    try:
        while not numbers or numbers[-1] != count - 1:
            numbers.append(json.loads(stuck.receive())["n"])
    finally:
        stuck.connection.close()
    assert numbers == sorted(set(numbers)) and len(numbers) + dropped == count + missed and dropped > missed


@pytest.mark.parametrize("policy", ["close", "keep_latest"])
def test_a_reader_that_stops_may_be_closed_or_get_the_latest_of_each_type(start_gateway, dashboard, policy):
    gateway = start_gateway(simple(dashboard, workers=1, route=socket_route(
        slow_reader=policy, buffer="32KiB", ping_interval="none")))
    mark = gateway.mark()
    with WebSocket(gateway.port, "/api/v1/ws/queue", receive_buffer=8192) as socket:
        count = 3_000
        begin_broadcast(dashboard, rate=100_000, count=count, size=4_000)
        if policy == "close":
            line = closed(gateway, mark)
            # The Close got as far as the kernel, or it had no room for it: the record says what the client hears.
            told = socket.connection.read_to_end().endswith((1013).to_bytes(2, "big") + b"slow_reader")
            assert (line["by"], line["cause"], line["close_code"]) == ("client", "client_not_reading", 1013 if told else 1006)
            return
        deadline = time.monotonic() + patience(60)
        while not json.loads(fetch(dashboard.port, target="/sent").body)["done"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        numbers = []
        while not numbers or numbers[-1] != count - 1:
            numbers.append(json.loads(socket.receive())["n"])
        assert numbers[-4:] == list(range(count - 4, count)) and len(numbers) < count


# --- told why ---

def test_counters_name_route_side_code_and_cause(start_gateway, node_ws):
    gateway = start_gateway(simple(node_ws, admin=metrics.LOCAL_ADMIN, route={"name": "chat"}))
    for _ in range(3):
        with WebSocket(gateway.port, "/echo") as socket:
            socket.close(4000, "done")
    with WebSocket(gateway.port, "/vanish") as socket:
        socket.send("x")
        assert socket.ends_with_close(1014)
    total = "postern_websocket_closes_total"
    metrics.wait_for_number(gateway, 3, total, route="chat", by="client", code="4000", cause="none")
    metrics.wait_for_number(gateway, 1, total, route="chat", by="upstream", code="1014", cause="upstream_closed")
    assert sum(value for (metric, _), value in metrics.read(gateway).items() if metric == total) == 4


@pytest.mark.parametrize("refuse", ["auto", "status", "close"])
def test_refusal_by_mode_and_by_who_asks(start_gateway, refuse):
    gateway = start_gateway(simple("http://127.0.0.1:1", route=socket_route(refuse=refuse)))
    for headers in ({}, {"Origin": "https://app.example.test"}):
        if refuse != "close":
            assert refused(gateway.port, "/x", headers).status == 502
            continue
        with WebSocket(gateway.port, "/x", headers) as socket:
            last = socket.receive()
            assert last.close_code == 1013 and json.loads(last.close_reason)["error"] == "upstream_refused"


# --- the example in conf/ ---

def test_example_of_rules_serves_a_dashboard(start_gateway, dashboard, site, trust):
    secret = "a secret of the tests, long enough for HS256"
    gateway = start_gateway(example("websocket_rules.yaml", {
        '":443"': '"127.0.0.1:0"', "/etc/postern/tls/site.pem": site.certificate, "/etc/postern/tls/site.key": site.key,
        "${JWT_SECRET:-change me, this is an example of a secret}": secret, "http://127.0.0.1:8000": dashboard.url,
        "https://dashboard.example.com": "https://app.example.test"}))
    token = tokens.token("HS256", secret.encode(), tokens.claims())
    headers = {"Origin": "https://app.example.test", "Cookie": f"session={token}"}
    with WebSocket(gateway.tls_port, "/api/v1/ws/queue", headers, "app.example.test", tls=trust) as socket:
        begin_broadcast(dashboard, rate=1000, count=12)
        got = [json.loads(socket.receive()) for _ in range(3)]
        assert [message["n"] for message in got] == [0, 4, 8]
        for _ in range(11):
            socket.send("too much")
        last = socket.receive()
        assert (last.close_code, last.close_reason) == (1013, "from_client.rate")
    with WebSocket(gateway.tls_port, "/api/v1/ws/queue", {"Origin": headers["Origin"]}, "app.example.test", tls=trust) as socket:
        assert socket.receive().close_code == 4401
    assert refused(gateway.tls_port, "/api/v1/ws/queue", {**headers, "Origin": "https://evil.test"}, host="app.example.test",
                   tls=trust).status == 403
