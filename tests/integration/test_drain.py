"""SIGTERM and SIGINT: running exchanges end, idle connections close, and nothing outlives the deadline."""

import contextlib
import signal
import subprocess
import time

import pytest

import backends
import metrics
from configs import plain_listener, simple, tls_listener
from raw import Connection, Truncated, fetch
from settings import patience
from websocket_client import WebSocket


def hold(gateway, backend, key, **options):
    """A request that is running at the backend and will not end until it is released."""
    connection = Connection(gateway.tls_port if "tls" in options else gateway.port, **options)
    connection.send(f"GET /hold?name={key} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert fetch(backend.port, target=f"/held?name={key}").status == 200
    return connection


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_exchange_is_finished(start_gateway, node_http, number):
    gateway = start_gateway(simple(node_http, limits={"drain_timeout": "20s"}))
    with hold(gateway, node_http, f"drain{int(number)}") as running, Connection(gateway.port) as idle:
        assert idle.request("GET", "/whoami").status == 200
        gateway.signal(number)
        assert idle.at_end()  # also says that the drain has begun
        with pytest.raises((ConnectionRefusedError, ConnectionResetError, Truncated)):
            fetch(gateway.port, target="/whoami")
        assert gateway.process.poll() is None
        fetch(node_http.port, target=f"/release?name=drain{int(number)}")
        response = running.read_response()
        assert response.status == 200 and response.header("connection", "").lower() == "close"
        assert running.at_end()
    gateway.assert_clean(gateway.wait_exit())


def test_running_exchange_over_tls_is_finished(start_gateway, node_http, site, trust):
    gateway = start_gateway(simple(node_http, listeners=[plain_listener(), tls_listener(site)], limits={"drain_timeout": "20s"}))
    with hold(gateway, node_http, "draintls", tls=trust) as running, Connection(gateway.port) as idle:
        assert idle.request("GET", "/whoami").status == 200
        gateway.signal(signal.SIGTERM)
        assert idle.at_end()
        fetch(node_http.port, target="/release?name=draintls")
        assert running.read_response().status == 200
    gateway.assert_clean(gateway.wait_exit())


def test_upload_that_is_under_way_is_finished(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"drain_timeout": "20s"}))
    with Connection(gateway.port) as running, Connection(gateway.port) as idle:
        assert idle.request("GET", "/whoami").status == 200
        running.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n")
        assert running.read_head().status == 100
        gateway.signal(signal.SIGTERM)
        assert idle.at_end()
        running.send(b"abcdef")
        assert running.read_response().json()["body_bytes"] == 6
    gateway.assert_clean(gateway.wait_exit())


def test_deadline_ends_what_does_not_end_itself(start_gateway, node_http, node_ws):
    config = simple(node_http, limits={"drain_timeout": "500ms"})
    config["upstreams"]["ws"] = {"endpoints": [node_ws.url]}
    config["routes"].append({"name": "ws", "match": {"path": "/ws"}, "upstream": "ws"})
    gateway = start_gateway(config)
    with hold(gateway, node_http, "never") as stuck, WebSocket(gateway.port, "/ws/echo") as socket:
        begun = time.monotonic()
        gateway.signal(signal.SIGTERM)
        try:
            assert stuck.read_response().status == 503
        except Truncated as cut:
            assert cut.response is None or cut.response.status != 200
        socket.connection.read_to_end()
        gateway.assert_clean(gateway.wait_exit())
        assert 0.4 < time.monotonic() - begun < patience(5)
    assert gateway.find("tunnel_close", by="gateway", cause="shutting_down")
    assert gateway.find("exchange", cause="shutting_down")
    fetch(node_http.port, target="/release?name=never")


def test_idle_gateway_stops_at_once(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"drain_timeout": "30s"}))
    assert fetch(gateway.port, target="/whoami").status == 200
    begun = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begun < patience(3)


def test_second_signal_does_not_wait(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"drain_timeout": "60s"}))
    with hold(gateway, node_http, "second"), Connection(gateway.port) as idle:
        assert idle.request("GET", "/whoami").status == 200
        gateway.signal(signal.SIGTERM)
        assert idle.at_end()
        gateway.signal(signal.SIGTERM)
        gateway.wait_exit(10)  # in a hurry, so its code is its own affair
    assert gateway.find("exchange", target="/hold?name=second", cause="shutting_down")
    fetch(node_http.port, target="/release?name=second")


def hold_two(gateway):
    """A request and a page's upgrade that wait for an endpoint which is not there."""
    held, page = Connection(gateway.port), Connection(gateway.port)
    held.send(b"GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n")
    page.send(b"GET /page HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    metrics.wait_for_number(gateway, 2, "postern_upstream_attempts_total", upstream="api")
    return held, page


def assert_told_and_recorded(gateway, held, page):
    assert held.read_response().json()["error"] == "shutting_down"
    assert page.read_response().json()["error"] == "shutting_down"  # a later try heals it, so it keeps its status
    held.close()
    page.close()
    gateway.wait_exit(10)
    for target in ("/held", "/page"):
        assert gateway.find("exchange", target=target, cause="shutting_down")


@pytest.mark.parametrize("signals", [1, 2])
def test_what_is_held_at_the_end_is_told_and_recorded(start_gateway, signals):
    gateway = start_gateway(simple("http://127.0.0.1:1", upstream_options={"hold": "60s"}, admin={"address": "127.0.0.1:0"},
                                   limits={"drain_timeout": "60s" if signals == 2 else "300ms"}))
    held, page = hold_two(gateway)
    gateway.signal(signal.SIGTERM)
    gateway.wait_for("draining")
    if signals == 2:
        gateway.signal(signal.SIGTERM)
    assert_told_and_recorded(gateway, held, page)


def test_reload_during_a_drain_is_said_to_be_ignored(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"drain_timeout": "60s"}))
    with hold(gateway, node_http, "reload"):
        gateway.signal(signal.SIGTERM)
        gateway.wait_for("draining")
        gateway.signal(signal.SIGHUP)
        assert gateway.wait_for("reload_ignored")["reason"] == "the gateway is shutting down"
        fetch(node_http.port, target="/release?name=reload")
    gateway.assert_clean(gateway.wait_exit())


def test_signal_that_means_nothing_changes_nothing(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    gateway.signal(signal.SIGUSR2)
    line = gateway.wait_for("signal_ignored", signal="SIGUSR2")
    assert line["remedy"] == "SIGHUP reloads, SIGUSR1 opens the log anew, SIGTERM drains"
    assert fetch(gateway.port, target="/whoami").status == 200


def test_log_says_what_a_drain_has_to_end_and_what_was_cut(start_gateway, start_backend, node_http, node_ws):
    streams = start_backend(backends.node, "event_source_server.mjs")
    config = simple(node_http, workers=2, limits={"drain_timeout": "700ms"})
    for name, backend in (("ws", node_ws), ("events", streams)):
        config["upstreams"][name] = {"endpoints": [backend.url]}
        config["routes"].append({"name": name, "match": {"path": f"/{name}"}, "upstream": name})
    gateway = start_gateway(config)
    ready = gateway.find("ready")[0]
    version = subprocess.run([gateway.process.args[0], "--version"], capture_output=True, text=True, check=True).stdout
    assert ready["program"] == version.strip() and ready["program"].startswith("postern ")
    with contextlib.ExitStack() as stack:
        idle = stack.enter_context(Connection(gateway.port))
        assert idle.request("GET", "/whoami").status == 200
        stack.enter_context(hold(gateway, node_http, "never"))
        for _ in range(2):
            stack.enter_context(WebSocket(gateway.port, "/ws/echo").connection)
        for _ in range(3):
            stream = stack.enter_context(Connection(gateway.port))
            stream.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            assert stream.read_head().status == 200
        gateway.signal(signal.SIGTERM)
        line = gateway.wait_for("draining")
        assert (line["requests"], line["websockets"], line["event_streams"], line["limit_ms"]) == (1, 2, 3, 700)
        gateway.wait_exit()
    line = gateway.find("stopped")[0]
    # Streams and sockets were told to leave; sockets whose client does not answer the Close are cut at the end.
    assert line["requests_cut"] == 1 and line["websockets_cut"] == 2 and line["event_streams_cut"] in range(4)
    fetch(node_http.port, target="/release?name=never")


def test_log_says_that_nothing_was_cut(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    assert fetch(gateway.port, target="/whoami").status == 200
    gateway.stop()
    line = gateway.find("draining")[0]
    assert (line["requests"], line["websockets"], line["event_streams"]) == (0, 0, 0)
    line = gateway.find("stopped")[0]
    assert (line["requests_cut"], line["websockets_cut"], line["event_streams_cut"]) == (0, 0, 0)
