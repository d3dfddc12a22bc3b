"""Backends that die, come back, or say that they are ill: nobody who may be spared sees anything of it."""

import os
import signal
import threading
import time

import pytest

import backends
from configs import simple, upstream
from raw import Connection, fetch
from settings import SLOW_BUILD
from websocket_client import WebSocket

# The whole measure is a minute; a few rounds of it belong to every run.
LOAD_SECONDS = float(os.environ.get("POSTERN_LOAD_SECONDS", "12"))
CONNECTIONS = 8 if SLOW_BUILD else 32


class Restarting:
    """Real backends, one of which at a time is killed and started again on its port, every two seconds."""

    def __init__(self, count, period=2.0, away=0.7):
        self.running = [backends.node("node_restart.mjs", f"backend{index}") for index in range(count)]
        self.period, self.away = period, away
        self.kills = 0
        self._ended = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._disturb, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        for backend in self.running:
            backend.stop()
        assert self._failure is None, self._failure

    def _disturb(self):
        try:
            while not self._ended.wait(self.period - self.away):
                index = self.kills % len(self.running)
                port = self.running[index].port
                self.running[index].kill()
                self.running[index].stop()
                self.kills += 1
                time.sleep(self.away)
                self.running[index] = backends.node("node_restart.mjs", f"backend{index}", port)
        except Exception as failure:  # seen when the block ends
            self._failure = failure


def load(gateway):
    return backends.run_node("load_client.mjs", gateway.port, LOAD_SECONDS, CONNECTIONS, timeout=LOAD_SECONDS + 40)


def test_of_two_endpoints_one_is_always_being_killed_and_no_request_fails(start_gateway):
    with Restarting(2) as parts:
        gateway = start_gateway(simple(*parts.running))
        result = load(gateway)
    print(f"two endpoints: {result['requests']} requests, {parts.kills} kills, slowest {result['slowest_ms']} ms, "
          f"{result['by']}")
    assert result["failures"] == []
    assert parts.kills >= 2 and len(result["by"]) == 2  # a busy machine starts backends slowly
    repeated = [line for line in gateway.find("exchange") if line["attempts"] > 1]
    assert repeated, "nobody ever met a dead endpoint"


def test_the_only_endpoint_is_being_killed_and_held_requests_do_not_fail(start_gateway):
    with Restarting(1) as parts:
        gateway = start_gateway(simple(*parts.running, upstream_options={"hold": "10s"}))
        result = load(gateway)
    print(f"one endpoint, held: {result['requests']} requests, {parts.kills} kills, slowest {result['slowest_ms']} ms")
    assert result["failures"] == []
    assert parts.kills >= 2
    held = [line for line in gateway.find("exchange") if "held_ms" in line["stages"]]
    assert held and max(line["stages"]["held_ms"] for line in held) < 10_000


def restarted_later(backend, start_backend, after=1.0):
    """Kills a backend now; it will be back on its port. Returns what to join."""
    port = backend.port
    backend.kill()
    backend.stop()

    def restart():
        time.sleep(after)
        start_backend(backends.node, "node_restart.mjs", "again", port)

    thread = threading.Thread(target=restart)
    thread.start()
    return thread


def test_websocket_upgrade_is_held_while_its_backend_restarts(start_gateway, start_backend):
    backend = start_backend(backends.node, "node_restart.mjs", "first")
    gateway = start_gateway(simple(backend, upstream_options={"hold": "10s"}))
    restart = restarted_later(backend, start_backend)
    with WebSocket(gateway.port, "/ws") as socket:
        socket.send("still here")
        assert socket.receive() == "still here"
    restart.join()
    opened = gateway.wait_for("tunnel_open")
    assert 500 < opened["held_ms"] < 10_000 and opened["duration_ms"] >= opened["held_ms"]


def test_post_is_held_while_its_backend_restarts_and_arrives_once(start_gateway, start_backend):
    backend = start_backend(backends.node, "node_restart.mjs", "first")
    gateway = start_gateway(simple(backend, upstream_options={"hold": "10s"}))
    restart = restarted_later(backend, start_backend)
    response = fetch(gateway.port, "POST", "/orders", body=b"x" * 100_000)
    restart.join()
    assert (response.status, response.body) == (200, b"again")
    line = gateway.exchange(response)
    assert line["stages"]["held_ms"] > 500 and line["request_bytes"] == 100_000


def test_hold_expires_with_503_and_retry_after(start_gateway):
    gateway = start_gateway(simple(f"http://127.0.0.1:{backends.free_port()}", upstream_options={"hold": "300ms"}))
    response = fetch(gateway.port)
    assert response.status == 503 and response.header("retry-after") == "1"
    assert response.json()["error"] == "hold_expired"
    line = gateway.exchange(response)
    assert (line["cause"], line["stage"], line["fault"]) == ("hold_expired", "connect", "gateway")
    assert "refused" in line["detail"] and 300 <= line["stages"]["held_ms"] < 5_000


def test_held_client_that_leaves_is_noticed_at_once(start_gateway):
    gateway = start_gateway(simple(f"http://127.0.0.1:{backends.free_port()}", upstream_options={"hold": "60s"}))
    with Connection(gateway.port) as connection:
        connection.request("GET", "/", read=False)
        time.sleep(0.1)  # it has been read and is held; leaving before that would test something else
    line = gateway.wait_for("exchange", timeout=5)
    assert line["cause"] == "client_closed" and line["duration_ms"] < 5_000


def test_drain_waits_for_held_requests_and_not_beyond_its_deadline(start_gateway, start_backend):
    backend = start_backend(backends.node, "node_restart.mjs", "first")
    config = simple(backend, upstream_options={"hold": "20s"}, limits={"drain_timeout": "10s"})
    gateway = start_gateway(config)
    restart = restarted_later(backend, start_backend)
    with Connection(gateway.port) as connection, Connection(gateway.port) as idle:
        connection.request("GET", "/", read=False)
        time.sleep(0.1)
        gateway.signal(signal.SIGTERM)
        assert idle.at_end()
        assert connection.read_response().body == b"again"
    restart.join()
    gateway.assert_clean(gateway.wait_exit())

    late = start_gateway(simple(f"http://127.0.0.1:{backends.free_port()}", upstream_options={"hold": "60s"},
                                limits={"drain_timeout": "1s"}))
    with Connection(late.port) as connection:
        connection.request("GET", "/", read=False)
        time.sleep(0.1)
        late.signal(signal.SIGTERM)
        response = connection.read_response()
        assert response.status == 503 and response.json()["error"] == "shutting_down"
    late.assert_clean(late.wait_exit())


# Health checks

QUICK = {"path": "/healthz", "interval": "100ms", "timeout": "1s"}


@pytest.fixture
def two(start_backend):
    return [start_backend(backends.node, "node_restart.mjs", name) for name in ("first", "second")]


def answers(gateway, count=8):
    return {fetch(gateway.port).body.decode() for _ in range(count)}


def test_backend_that_says_it_is_ill_gets_no_requests_until_it_is_well(start_gateway, two):
    gateway = start_gateway(simple(*two, upstream_options={"health": QUICK}))
    assert answers(gateway) == {"first", "second"}
    fetch(two[0].port, target="/ail?status=503")
    down = gateway.wait_for("endpoint_down")
    assert (down["upstream"], down["endpoint"], down["reason"]) == ("api", two[0].url, "status 503")
    assert down["checks"] == 3 and down["level"] == "warn"
    time.sleep(0.1)  # every worker has heard
    assert answers(gateway) == {"second"}
    fetch(two[0].port, target="/ail?status=200")
    up = gateway.wait_for("endpoint_up")
    assert (up["endpoint"], up["reason"], up["checks"]) == (two[0].url, "status 200", 2)
    time.sleep(0.1)
    assert answers(gateway) == {"first", "second"}
    assert len(gateway.find("endpoint_down")) == len(gateway.find("endpoint_up")) == 1


def test_reload_keeps_what_the_checks_have_found(start_gateway, two):
    config = simple(*two, upstream_options={"health": QUICK})
    gateway = start_gateway(config)
    fetch(two[0].port, target="/ail?status=500")
    gateway.wait_for("endpoint_down")
    mark = gateway.mark()
    gateway.reload(config)
    assert answers(gateway) == {"second"}
    assert not gateway.find("endpoint_up", since=mark)
    del config["upstreams"]["api"]["health"]
    gateway.reload(config)
    assert answers(gateway) == {"first", "second"}


def test_tcp_check_sees_a_backend_go_and_come(start_gateway, start_backend, two):
    health = {"tcp": True, "interval": "100ms", "healthy": 1, "unhealthy": 1}
    gateway = start_gateway(simple(*two, upstream_options={"health": health}))
    restart = restarted_later(two[0], start_backend, after=0.5)
    reason = gateway.wait_for("endpoint_down")["reason"]
    assert "refused" in reason or "reset" in reason  # reset: the kill met a check that it had not yet taken
    restart.join()
    assert gateway.wait_for("endpoint_up")["endpoint"] == two[0].url


def test_held_request_goes_when_a_check_passes(start_gateway, two):
    fetch(two[0].port, target="/ail?status=503")
    gateway = start_gateway(simple(two[0], upstream_options={"health": {**QUICK, "start": "down"}, "hold": "20s"}))
    timer = threading.Timer(0.5, lambda: fetch(two[0].port, target="/ail?status=204"))
    timer.start()
    response = fetch(gateway.port)
    timer.join()
    assert response.body == b"first"
    assert gateway.exchange(response)["stages"]["held_ms"] >= 300
    assert gateway.find("endpoint_up", reason="status 204")


def test_https_backend_is_checked_with_verification(start_gateway, start_backend, authority):
    leaf = authority.issue("checked", ["127.0.0.1"])
    backend = start_backend(backends.node, "node_http.mjs", "secure", leaf.certificate, leaf.key)
    url = f"https://127.0.0.1:{backend.port}"
    health = {"path": "/whoami", "interval": "100ms", "start": "down"}
    trusting = start_gateway(simple(url, upstream_options={"health": health, "ca": authority.path}))
    assert trusting.wait_for("endpoint_up")["reason"] == "status 200"
    distrusting = start_gateway({
        "upstreams": {"api": upstream(url, health={**health, "start": "up", "unhealthy": 1})},
        "routes": [{"upstream": "api"}]})
    assert "certificate" in distrusting.wait_for("endpoint_down")["reason"]


def test_backend_that_breaks_connections_is_ejected_and_comes_back(start_gateway, endpoint, start_backend):
    ill = {"yes": True}

    def script(peer):
        while (request := peer.read_request()) is not None:
            if ill["yes"]:
                return peer.reset()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell")

    breaking = endpoint(script)
    good = start_backend(backends.node, "node_restart.mjs", "good")
    options = {"eject": {"failures": 3, "time": "3s"}}
    gateway = start_gateway(simple(breaking, good, workers=1, upstream_options=options))
    assert answers(gateway, 20) == {"good"}
    ejected = gateway.wait_for("endpoint_ejected")
    assert (ejected["endpoint"], ejected["reason"], ejected["failures"]) == (breaking.url, "upstream_closed", 3)
    seen = len(breaking.requests)
    assert answers(gateway, 10) == {"good"} and len(breaking.requests) == seen
    ill["yes"] = False
    deadline = time.monotonic() + 10
    while not gateway.find("endpoint_readmitted") and time.monotonic() < deadline:
        fetch(gateway.port)
    assert gateway.find("endpoint_readmitted", endpoint=breaking.url)
    assert answers(gateway) == {"good", "well"}
