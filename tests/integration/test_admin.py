"""The operator's listener: numbers that fit what happened, over all workers, and across reloads."""

import contextlib
import http.client
import os
import socket
import stat
import time

import pytest

from configs import simple
from metrics import LOCAL_ADMIN, admin_port, number, read, wait_for_number
from raw import Connection, fetch
from settings import patience
from websocket_client import WebSocket


def test_numbers_say_what_happened(start_gateway, node_http):
    config = simple(node_http, admin=LOCAL_ADMIN, workers=3)
    config["routes"][0]["match"] = {"path": "/echo"}
    gateway = start_gateway(config)
    for _ in range(30):
        assert fetch(gateway.port, "POST", "/echo", body=b"12345").status == 200
    assert fetch(gateway.port, target="/elsewhere").status == 404
    with Connection(gateway.port) as connection:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert connection.read_response().status == 400
    wait_for_number(gateway, 30, "postern_requests_total", route="all", **{"class": "2xx"})
    wait_for_number(gateway, 2, "postern_requests_total", route="none", **{"class": "4xx"})
    assert number(gateway, "postern_request_body_bytes_total", route="all") == 150
    assert number(gateway, "postern_failures_total", cause="no_route", stage="routing") == 1
    assert number(gateway, "postern_failures_total", cause="bad_request", stage="request_head") == 1
    assert number(gateway, "postern_request_duration_seconds_count", route="all") == 30
    assert number(gateway, "postern_request_duration_seconds_bucket", route="all", le="+Inf") == 30
    assert number(gateway, "postern_upstream_attempts_total", upstream="api") == 30
    assert number(gateway, "postern_endpoint_attempts_total", upstream="api", endpoint=node_http.url) == 30
    assert number(gateway, "postern_connections_accepted_total") == 32
    wait_for_number(gateway, 0, "postern_http_connections_open")


def test_numbers_survive_a_reload_and_a_failing_endpoint_shows(start_gateway, node_http, endpoint):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
        config = simple(dead, admin=LOCAL_ADMIN, upstream_options={"retries": 1})
        gateway = start_gateway(config)
        before = admin_port(gateway)
        assert fetch(gateway.port, target="/").status == 502
        wait_for_number(gateway, 1, "postern_endpoint_failures_total", upstream="api", endpoint=dead)
        gateway.reload(simple(dead, node_http, admin=LOCAL_ADMIN))
        assert admin_port(gateway) == before
        assert number(gateway, "postern_endpoint_failures_total", upstream="api", endpoint=dead) == 1
        assert number(gateway, "postern_failures_total", cause="upstream_refused", stage="connect") == 1
        gateway.reload(simple(node_http, admin=LOCAL_ADMIN))
        assert not any(dead in str(key) for key in read(gateway))


def test_tunnels_are_counted(start_gateway, node_ws):
    gateway = start_gateway(simple(node_ws, admin=LOCAL_ADMIN))
    with WebSocket(gateway.port, "/ws/echo") as client:
        client.send("hello")
        assert client.receive() == "hello"
        wait_for_number(gateway, 1, "postern_tunnels_open")
        assert number(gateway, "postern_websocket_open", route="all") == 1
        assert number(gateway, "postern_requests_total", route="all", **{"class": "1xx"}) == 1
        assert number(gateway, "postern_tunnel_bytes_total", direction="from_client") > 5
        client.close()
    wait_for_number(gateway, 0, "postern_tunnels_open")
    assert number(gateway, "postern_tunnels_opened_total") == 1


def test_health_and_methods(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, admin=LOCAL_ADMIN))
    port = admin_port(gateway)
    assert fetch(port, target="/healthz").body == b"ok\n"
    assert fetch(port, target="/metrics", method="POST").status == 405
    assert fetch(port, target="/metrics", host="evil.example").status == 400


def test_a_unix_socket_is_for_its_owner(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, admin={"address": "unix:admin.sock"}))
    path = os.path.join(gateway.directory, "admin.sock")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"ok\n"
    connection.close()


def test_admin_comes_moves_and_goes_with_reloads(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    assert not gateway.find("admin_listening")
    gateway.reload(simple(node_http, admin=LOCAL_ADMIN))
    port = admin_port(gateway)
    assert fetch(port, target="/healthz").status == 200
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        gateway.reload(simple(node_http, admin={"address": f"127.0.0.1:{taken.getsockname()[1]}"}), expect="reload_failed")
    assert fetch(port, target="/healthz").status == 200
    gateway.reload(simple(node_http))
    try:
        Connection(port).close()
    except ConnectionRefusedError:
        return
    raise AssertionError("the admin listener is still there")


def test_reload_changes_whether_admin_answers_any_host(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, admin={**LOCAL_ADMIN, "public": True}))
    port = admin_port(gateway)
    with Connection(port) as kept:
        assert kept.request("GET", "/healthz", host="gateway.example").status == 200
        gateway.reload(simple(node_http, admin=LOCAL_ADMIN))
        assert admin_port(gateway) == port
        assert kept.request("GET", "/healthz", host="gateway.example").status == 400
    assert fetch(port, target="/healthz", host="gateway.example").status == 400
    gateway.reload(simple(node_http, admin={**LOCAL_ADMIN, "public": True}))
    assert fetch(port, target="/healthz", host="gateway.example").status == 200


def health_of(port, seconds=3):
    with Connection(port, timeout=seconds) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection.read_response().body


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: loc", id="half a head"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", id="kept alive"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50, id="answers that nobody reads"),
    ],
)
def test_connections_of_others_do_not_lock_the_operator_out(start_gateway, node_http, sent):
    gateway = start_gateway(simple(node_http, admin=LOCAL_ADMIN))
    port = admin_port(gateway)
    with contextlib.ExitStack() as stack:
        for _ in range(80):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.connect(("127.0.0.1", port))
            one.sendall(sent)
        for _ in range(3):
            assert health_of(port) == b"ok\n"


def status_of(gateway):
    return fetch(admin_port(gateway), target="/status").json()


def wait_for_endpoint(gateway, url, **wanted):
    deadline = time.monotonic() + patience(10)
    while True:
        for upstream in status_of(gateway)["upstreams"]:
            for one in upstream["endpoints"]:
                if one["endpoint"] == url and all(one.get(key) == value for key, value in wanted.items()):
                    return one
        assert time.monotonic() < deadline, status_of(gateway)["upstreams"]
        time.sleep(0.05)


def test_status_and_numbers_say_how_each_endpoint_is(start_gateway, endpoint, node_http, node_ws):
    """One that is fine, one whose failures ejected it, one whose health checks fail; and what each has to do."""
    def hang_up(peer):
        peer.read_request()
        peer.reset()

    broken = endpoint(hang_up)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{closed.getsockname()[1]}"
        config = simple(node_http, broken, workers=2, admin=LOCAL_ADMIN, upstream_options={
            "eject": {"failures": 1, "time": "60s"}})
        config["upstreams"]["checked"] = {"endpoints": [down, node_ws.url], "health": {
            "tcp": True, "interval": "200ms", "timeout": "200ms", "unhealthy": 1}}
        config["routes"].append({"name": "ws", "match": {"path": "/ws"}, "upstream": "checked"})
        gateway = start_gateway(config)
        one = wait_for_endpoint(gateway, down, state="unhealthy")
        assert (one["workers"], one["workers_up"]) == (2, 0)
        wait_for_number(gateway, 0, "postern_upstream_endpoint_up", upstream="checked", endpoint=down)
        assert number(gateway, "postern_upstream_endpoint_up", upstream="checked", endpoint=node_ws.url) == 1
        for _ in range(40):  # each worker finds out for itself
            assert fetch(gateway.port, target="/whoami").status == 200
        one = wait_for_endpoint(gateway, broken.url, state="ejected", workers_up=0)
        assert 0 < one["ejected_for_ms"] <= 60_000
        assert number(gateway, "postern_upstream_endpoint_up", upstream="api", endpoint=broken.url) == 0
        assert number(gateway, "postern_upstream_endpoint_up", upstream="api", endpoint=node_http.url) == 1
        fine = wait_for_endpoint(gateway, node_http.url, state="up", in_flight=0)
        assert fine["connections_idle"] >= 1 and fine["deviations"] == 0
        with WebSocket(gateway.port, "/ws/echo"):
            wait_for_endpoint(gateway, node_ws.url, state="up", in_flight=1)
            wait_for_number(gateway, 1, "postern_upstream_endpoint_in_flight", upstream="checked", endpoint=node_ws.url)
        # A reload keeps what is known, and shows no endpoint that is gone.
        config["upstreams"]["checked"]["endpoints"] = [node_ws.url]
        gateway.reload(config)
        wait_for_endpoint(gateway, broken.url, state="ejected")
        assert down not in str(status_of(gateway)["upstreams"]) and down not in str(read(gateway).keys())
