"""SIGHUP: a new configuration is taken whole or not at all, and nobody who is connected notices."""

import itertools
import json
import os
import socket
import subprocess
import threading
import time

import pytest

import tokens
from configs import plain_listener, simple, tls_listener, upstream
from raw import Connection, fetch
from settings import BACKENDS, HERE, SLOW_BUILD, patience, program, repetitions
from websocket_client import WebSocket

REQUESTS = repetitions(10_000)
RELOADS = 10
CLIENTS = 8


class Load:
    """Clients that ask again and again over kept connections until `total` requests are answered."""

    def __init__(self, port, total):
        self.port = port
        self.total = total
        self.answered = 0
        self.failures = []
        self.progress = threading.Condition()
        self.threads = [threading.Thread(target=self._ask, args=(total // CLIENTS,), daemon=True) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _ask(self, count):
        connection = Connection(self.port)
        try:
            for number in range(count):
                response = connection.request("GET", f"/whoami?{number}")
                if response.status != 200 or b"instance" not in response.body:
                    self.failures.append((response.status, response.body[:300]))
                if response.header("connection", "").lower() == "close":
                    connection.close()  # announced, so not a failure: a client would do just this
                    connection = Connection(self.port)
                with self.progress:
                    self.answered += 1
                    self.progress.notify_all()
        except Exception as failure:  # whatever it is, it is a request that failed
            self.failures.append(failure)
            with self.progress:
                self.progress.notify_all()
        finally:
            connection.close()

    def wait_for(self, count):
        with self.progress:
            assert self.progress.wait_for(lambda: self.answered >= count or self.failures, patience(60))
        assert not self.failures, self.failures[:3]

    def finish(self):
        for thread in self.threads:
            thread.join(patience(60))
        assert not self.failures, self.failures[:3]
        return self.answered


@pytest.mark.slow
def test_ten_thousand_requests_and_a_websocket_survive_ten_reloads(start_gateway, node_http, node_ws):
    def version(number):
        return {
            "upstreams": {"api": upstream(node_http), "ws": upstream(node_ws), f"other{number}": upstream("http://127.0.0.1:1")},
            "origins": {"list": {"allow": [f"https://v{number}.example.test"]}},
            "routes": [{"name": f"all{number}", "upstream": "api", **({"origins": "list"} if number % 2 else {})},
                       {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws"}]}

    gateway = start_gateway(version(0))
    ports = gateway.addresses()
    with WebSocket(gateway.port, "/ws/echo") as socket:
        load = Load(gateway.port, REQUESTS)
        versions = []
        for number in range(1, RELOADS + 1):
            load.wait_for(number * REQUESTS // (RELOADS + 2))
            versions.append(gateway.reload(version(number))["version"])
            socket.send(f"after reload {number}")
            assert socket.receive() == f"after reload {number}"
        assert load.finish() == REQUESTS // CLIENTS * CLIENTS
        socket.send(b"still here")
        assert socket.receive() == b"still here"
        assert socket.close().close_code == 1000
    assert versions == sorted(set(versions)) and len(versions) == RELOADS
    assert gateway.addresses() == ports
    assert gateway.exchange(fetch(gateway.port, target="/whoami"))["route"] == f"all{RELOADS}"


BROKEN = {
    "not YAML": "routes: [",
    "unknown key": "listeners: [{address: '127.0.0.1:0'}]\nroutez: []\n",
    "unknown upstream": "listeners: [{address: '127.0.0.1:0'}]\nroutes: [{upstream: nowhere}]\n",
    "missing certificate": "listeners: [{address: '127.0.0.1:0', tls: {certificate: no.pem, key: no.key}}]\n"
                           "upstreams: {a: {endpoints: ['http://127.0.0.1:1']}}\nroutes: [{upstream: a}]\n",
    "missing variable": "listeners: [{address: '127.0.0.1:0'}]\nupstreams: {a: {endpoints: ['${NOBODY_SET_THIS}']}}\n"
                        "routes: [{upstream: a}]\n",
    "empty": "",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_configuration_keeps_the_old_one(start_gateway, node_http, node_ws, name):
    config = {"upstreams": {"api": upstream(node_http), "ws": upstream(node_ws)},
              "routes": [{"name": "all", "upstream": "api"}, {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws"}]}
    gateway = start_gateway(config)
    with Connection(gateway.port) as connection, WebSocket(gateway.port, "/ws/echo") as socket:
        assert connection.request("GET", "/whoami").status == 200
        gateway.reload(BROKEN[name], expect="reload_failed")
        assert connection.request("GET", "/whoami").status == 200
        socket.send("kept")
        assert socket.receive() == "kept"
        assert fetch(gateway.port, target="/whoami").status == 200
        gateway.reload(config)
        assert connection.request("GET", "/whoami").status == 200


def test_failed_reload_tells_what_is_wrong_and_not_what_is_only_worth_a_look(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    mark = gateway.mark()
    wrong = {"byte_limit": "nobody", "ping_interval": "none", "pong_timeout": "5s"}  # and the last one is without effect
    gateway.reload(simple(node_http, route={"websocket": wrong}), expect="reload_failed")
    problems = [line["problem"] for line in gateway.find("reload_failed", since=mark)]
    assert len(problems) == 1 and 'no rate limit "nobody"' in problems[0]


def test_removed_file_keeps_the_old_configuration(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    os.remove(gateway.path)
    gateway.reload(expect="reload_failed")
    assert fetch(gateway.port, target="/whoami").status == 200


def test_listener_comes_and_goes_with_the_configuration(start_gateway, node_http, site, trust):
    plain = simple(node_http, listeners=[plain_listener()])
    gateway = start_gateway(plain)
    first = gateway.port
    mark = gateway.mark()
    gateway.reload(simple(node_http, listeners=[plain_listener(), tls_listener(site)]))
    gateway.wait_for("listening", since=mark, tls=True)
    assert gateway.port == first
    assert fetch(gateway.tls_port, target="/whoami", tls=trust).status == 200
    tls_port = gateway.tls_port
    with Connection(tls_port, trust) as kept:
        assert kept.request("GET", "/whoami").status == 200
        mark = gateway.mark()
        gateway.reload(plain)
        assert gateway.wait_for("listener_closed", since=mark)["address"].endswith(f":{tls_port}")
        with pytest.raises(ConnectionRefusedError):
            Connection(tls_port).close()
        assert not gateway.find("listening", since=mark)  # what stays is not told again
    assert fetch(first, target="/whoami").status == 200


def test_new_certificate_is_served_after_a_reload(start_gateway, node_http, authority, trust):
    one, two = authority.issue("reload-one", ["localhost"]), authority.issue("reload-two", ["localhost"], "rsa")

    def serial(gateway):
        with Connection(gateway.tls_port, trust) as connection:
            assert connection.request("GET", "/whoami").status == 200
            return int(connection.socket.getpeercert()["serialNumber"], 16)

    gateway = start_gateway(simple(node_http, listeners=[tls_listener(one)]))
    assert serial(gateway) == one.serial
    gateway.reload(simple(node_http, listeners=[tls_listener(two)]))
    assert {serial(gateway) for _ in range(8)} == {two.serial}


def test_running_exchange_keeps_the_configuration_it_began_with(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    with Connection(gateway.port) as connection:
        connection.send(b"GET /hold?name=reload HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert fetch(node_http.port, target="/held?name=reload").status == 200
        gateway.reload(simple("http://127.0.0.1:1", route={"name": "changed"}))
        assert fetch(gateway.port, target="/x").status == 502
        fetch(node_http.port, target="/release?name=reload")
        response = connection.read_response()
        assert response.json()["held"] == "reload"
        assert gateway.exchange(response)["route"] == "all"


def test_reload_while_a_body_streams_changes_nothing_in_it(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read_head().status == 100  # the exchange has begun
        connection.send(b"x" * 100_000)
        gateway.reload(simple(node_http, route={"body_size": "1KiB"}))
        connection.send(b"x" * 100_000)
        assert connection.read_response().json()["body_bytes"] == 200_000
    assert fetch(gateway.port, "POST", "/echo", body=b"x" * 2000).status == 413


# Sockets

class Storm:
    """storm_client.mjs: many sockets that count aloud. Entered when all are open."""

    def __init__(self, port, count, paths):
        self.process = subprocess.Popen(
            [program("node"), f"{BACKENDS}/storm_client.mjs", str(port), str(count), *paths], cwd=HERE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        assert json.loads(self.process.stdout.readline()) == {"event": "open"}
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def finish(self):
        out, _ = self.process.communicate("end\n", timeout=patience(60))
        return json.loads(out.splitlines()[-1])


@pytest.mark.slow
def test_reload_drains_the_sockets_of_the_route_that_changed_and_no_others(start_gateway, node_ws):
    count = 40 if SLOW_BUILD else 400   # on each of five routes
    pace = {"rate": "25%", "minimum": 1, "within": "60s"}

    def config(changed):
        routes = [{"name": f"route{index}", "match": {"path": f"/r{index}"}, "upstream": "ws"} for index in range(5)]
        routes[3].update(changed)
        return {"upstreams": {"ws": upstream(node_ws)}, "routes": routes, "websocket": {"handshake_timeout": "60s"},  # one Node for 2,000
                "limits": {"tunnel_drain": pace, "connections_per_client": "none"}}

    gateway = start_gateway(config({}))
    with Storm(gateway.port, count, [f"/r{index}" for index in range(5)]) as storm:
        mark = gateway.mark()
        gateway.reload(config({"body_size": "1MiB"}))
        ended = itertools.count(1)
        gateway.wait_for(lambda line: line.get("event") == "tunnel_close" and line["route"] == "route3"
                         and next(ended) == count, timeout=60, since=mark)
        report = storm.finish()
    for path in ("/r0", "/r1", "/r2", "/r4"):
        kept = report[path]
        assert (kept["open"], kept["broken"], kept["closes"]) == (count, [], []), path
        assert kept["rounds"] > 3  # messages went on in both directions meanwhile
    told = report["/r3"]
    assert told["broken"] == [] and [code for code, _ in told["closes"]] == [1012] * count
    times = sorted(seconds for _, seconds in told["closes"])
    assert times[-1] - times[0] > 3  # a quarter of them in a second, not all at once
    for line in gateway.find("tunnel_close", route="route3"):
        assert (line["by"], line["cause"]) == ("gateway", "route_changed")
    assert sum(line["tunnels"] for line in gateway.find("tunnels_leaving")) == count


def next_close(socket):
    """The code of the Close frame that comes next; None when an echo comes first, so that the socket is open."""
    socket.send("open?")
    got = socket.receive()
    return None if got == "open?" else got.close_code


def test_change_of_what_holds_for_all_sockets_ends_only_those_that_it_concerns(start_gateway, node_ws):
    def config(websocket, rate="100/s"):
        return {"upstreams": {"ws": upstream(node_ws)}, "websocket": websocket, "rate_limits": {"some": {"rate": rate, "burst": 100}},
                "routes": [{"name": "plain", "match": {"path": "/ws"}, "upstream": "ws"},
                           {"name": "own", "match": {"path": "/ws/echo"}, "upstream": "ws", "websocket": {"ping_interval": "40s"}},
                           {"name": "counted", "match": {"exact": "/ws/echo/counted"}, "upstream": "ws",
                            "websocket": {"ping_interval": "40s", "message_limit": "some"}},
                           {"name": "asked", "match": {"exact": "/ws/echo/asked"}, "upstream": "ws", "rate_limit": "some",
                            "websocket": {"ping_interval": "40s"}}]}

    gateway = start_gateway(config({}))
    with WebSocket(gateway.port, "/ws/echo/counted") as counted, WebSocket(gateway.port, "/ws/echo") as own, \
            WebSocket(gateway.port, "/ws/other") as plain, WebSocket(gateway.port, "/ws/echo/asked") as asked:
        gateway.reload(config({"close_codes": {"reload": 1012, "unauthorized": 4000}, "refuse": "close",
                               "admission": {"rate": "1000/s"}}))
        assert [next_close(socket) for socket in (plain, own, counted, asked)] == [None] * 4
        gateway.reload(config({"ping_interval": "30s"}))
        gateway.wait_for("tunnel_close", route="plain", cause="route_changed")
        assert [next_close(socket) for socket in (own, counted, asked)] == [None] * 3
        gateway.reload(config({"ping_interval": "30s"}, rate="90/s"))
        gateway.wait_for("tunnel_close", route="counted", cause="route_changed")
        assert [next_close(socket) for socket in (own, asked)] == [None] * 2
    assert not gateway.find("tunnel_close", route="own", by="gateway")


def test_configuration_that_did_not_take_effect_leaves_no_trace_in_its_keys(start_gateway, node_ws, tmp_path):
    keys = {name: tokens.new_key("ES256") for name in ("one", "two")}
    file = tmp_path / "keys.json"

    def write(*names):
        file.write_text(json.dumps({"keys": [tokens.jwk(keys[name], name, "ES256") for name in names]}), encoding="utf-8")

    def config(*listeners):
        return {"listeners": [plain_listener(), *listeners], "upstreams": {"ws": upstream(node_ws)},
                "jwt": {"login": {"keys": str(file), "algorithms": ["ES256"]}},
                "routes": [{"name": "all", "upstream": "ws", "jwt": "login"}]}

    write("one", "two")
    gateway = start_gateway(config())
    bearer = {"Authorization": "Bearer " + tokens.token("ES256", keys["one"], tokens.claims(), kid="one")}
    with WebSocket(gateway.port, "/ws/echo", bearer) as kept, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        write("two")
        gateway.reload(config({"address": f"127.0.0.1:{taken.getsockname()[1]}"}), expect="reload_failed")
        write("one", "two")
        gateway.reload(config())
        assert next_close(kept) is None and not gateway.find("tunnels_leaving")


def test_key_that_is_taken_away_ends_the_sockets_of_its_tokens_and_one_that_joins_does_not(start_gateway, node_ws, tmp_path):
    keys = {name: tokens.new_key("ES256") for name in ("one", "two")}
    file = tmp_path / "keys.json"

    def write(*names):
        file.write_text(json.dumps({"keys": [tokens.jwk(keys[name], name, "ES256") for name in names]}), encoding="utf-8")

    write("one")
    config = {"upstreams": {"ws": upstream(node_ws)}, "jwt": {"login": {"keys": str(file), "algorithms": ["ES256"]}},
              "routes": [{"name": "all", "upstream": "ws", "jwt": "login"}]}
    gateway = start_gateway(config)
    bearer = {"Authorization": "Bearer " + tokens.token("ES256", keys["one"], tokens.claims(), kid="one")}
    with WebSocket(gateway.port, "/ws/echo", bearer) as socket:
        write("one", "two")
        gateway.reload()
        assert next_close(socket) is None
        write("two")
        gateway.reload()
        gateway.wait_for("tunnel_close", route="all", cause="route_changed")
    assert fetch(gateway.port, target="/ws/echo", headers=bearer).status == 401


def test_next_request_of_a_connection_that_waited_goes_by_the_new_configuration(start_gateway, node_http, site):
    config = simple(node_http, workers=1, listeners=[plain_listener(), tls_listener(site)])
    gateway = start_gateway(config)
    with Connection(gateway.port) as first, Connection(gateway.port) as second, Connection(gateway.port) as third:
        for connection in (first, second, third):
            assert connection.request("POST", "/echo", body=b"x" * 2000).status == 200
        gateway.reload({**config, "limits": {"body_size": "1KiB", "keepalive_timeout": "1s"}})
        assert first.request("POST", "/echo", body=b"x" * 900).status == 200
        begun = time.monotonic()
        assert first.at_end()  # after the new time, far below the old one
        assert time.monotonic() - begun < patience(10)
        assert second.request("POST", "/echo", body=b"x" * 2000).status == 413
        gateway.reload({**config, "listeners": [plain_listener(redirect="https"), tls_listener(site)]})
        response = third.request("GET", "/echo")
        assert response.status == 308 and response.header("location").startswith("https://")
