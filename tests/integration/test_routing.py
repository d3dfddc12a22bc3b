"""Which route a request takes, and what the endpoint is told about the client."""

import threading

import pytest

import backends
from configs import plain_listener, simple, tls_listener, upstream
from raw import Connection, fetch
from settings import patience
from websocket_client import WebSocket, refused


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, start_instance, site):
    names = ["default", "app", "wildcard", "socket", "exact", "posts"]
    return start_shared_gateway({
        "listeners": [plain_listener(), tls_listener(site), plain_listener(redirect="https")],
        "upstreams": {name: upstream(start_instance(name)) for name in names},
        "routes": [
            {"name": "default", "match": {"path": "/any"}, "upstream": "default"},
            {"name": "app", "match": {"host": "app.example.test"}, "upstream": "app"},
            {"name": "wildcard", "match": {"host": "*.example.test"}, "upstream": "wildcard"},
            {"name": "socket", "match": {"path": "/ws"}, "upstream": "socket"},
            {"name": "exact", "match": {"exact": "/any/exact"}, "upstream": "exact"},
            {"name": "posts", "match": {"path": "/posts", "methods": ["POST"]}, "upstream": "posts"},
        ]})


@pytest.fixture(scope="module")
def start_instance():
    """Node servers that answer with their own name."""
    started = []

    def start(name):
        started.append(backends.node("node_http.mjs", name))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.mark.parametrize("host, target, taken", [
    ("localhost", "/any", "default"), ("localhost", "/any/thing", "default"), ("localhost", "/any?x", "default"),
    ("app.example.test", "/", "app"), ("APP.Example.TEST", "/x", "app"), ("app.example.test:8443", "/x", "app"),
    ("b.example.test", "/x", "wildcard"), ("a.b.example.test", "/x", "wildcard"),
    ("localhost", "/ws", "socket"), ("localhost", "/ws/x", "socket"), ("localhost", "/ws?token=1", "socket"),
    ("localhost", "/any/exact", "exact"), ("localhost", "/any/exact/more", "default"),
    ("localhost", "/any/./thing", "default"),
])
def test_request_takes_the_most_specific_route(gateway, host, target, taken):
    response = fetch(gateway.port, target=target, host=host)
    assert response.status == 200 and response.json()["instance"] == taken
    assert gateway.exchange(response)["route"] == taken


@pytest.mark.parametrize("host, target", [
    ("localhost", "/"), ("localhost", "/wsfoo"), ("localhost", "/anything"), ("localhost", "/WS"),
    ("example.test", "/"), ("app.example.test.evil", "/"), ("evilexample.test", "/"),
])
def test_request_without_a_route_is_404_with_a_reason(gateway, host, target):
    response = fetch(gateway.port, target=target, host=host)
    assert (response.status, response.json()["error"]) == (404, "no_route")
    assert response.json()["request_id"] == response.header("x-request-id")
    assert response.json()["message"] and response.json()["remedy"]
    assert gateway.exchange(response)["cause"] == "no_route"


def test_other_method_is_405_with_allow(gateway):
    assert fetch(gateway.port, "POST", "/posts", body=b"x").json()["instance"] == "posts"
    response = fetch(gateway.port, "GET", "/posts")
    assert (response.status, response.json()["error"]) == (405, "method_not_allowed")
    assert "POST" in response.header("allow")


def test_absolute_target_is_read_as_its_host(gateway):
    response = fetch(gateway.port, target="http://app.example.test/x?y", host="app.example.test")
    assert response.json()["instance"] == "app" and response.json()["target"] == "/x?y"


@pytest.mark.parametrize("query", ["jobId=507f1f77bcf86cd799439011&serverId=s%201", "a=%zz", "x=/../y",
                                   "q=;/?:@!$'()*,=", "a&&b=&=c", ""])
def test_query_is_never_touched(gateway, query):
    assert fetch(gateway.port, target="/any?" + query).json()["target"] == "/any?" + query


def test_redirect_listener_sends_everything_to_https(gateway):
    port = gateway.port_of(tls=False, index=1)
    response = fetch(port, target="/any?x=1", host=f"app.example.test:{port}")
    assert response.status in (301, 308)
    location = response.header("location")
    assert location.startswith("https://app.example.test") and location.endswith("/any?x=1")
    assert refused(port, "/ws").status in (301, 308, 426)


# What the endpoint is told

def headers_of(response):
    gathered = {}
    for name, value in response.json()["headers"]:
        gathered.setdefault(name.lower(), []).append(value)
    return gathered


def test_forwarded_fields_tell_the_truth(gateway):
    sent = headers_of(fetch(gateway.port, target="/any", host="localhost:1234"))
    assert sent["x-forwarded-for"] == ["127.0.0.1"] and sent["x-forwarded-proto"] == ["http"]
    assert sent["x-forwarded-host"] == ["localhost:1234"] and sent["host"] == ["localhost:1234"]


def test_forwarded_proto_is_https_over_tls(gateway, trust):
    assert headers_of(fetch(gateway.tls_port, target="/any", tls=trust))["x-forwarded-proto"] == ["https"]


SPOOFED = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "bank.test",
           "X-Request-Id": "chosen-by-client", "Forwarded": "for=1.2.3.4"}


def test_forwarded_fields_of_a_stranger_are_replaced(gateway):
    response = fetch(gateway.port, target="/any", headers=SPOOFED)
    sent = headers_of(response)
    assert sent["x-forwarded-for"] == ["127.0.0.1"] and sent["x-forwarded-proto"] == ["http"]
    assert sent["x-forwarded-host"] == ["localhost"]
    assert response.header("x-request-id") == sent["x-request-id"][0] != "chosen-by-client"
    assert gateway.exchange(response)["client"].startswith("127.0.0.1")


def test_forwarded_fields_of_a_trusted_proxy_are_believed(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, trusted_proxies=["127.0.0.0/8"]))
    response = fetch(gateway.port, target="/x", headers=SPOOFED)
    sent = headers_of(response)
    assert sent["x-forwarded-for"] == ["1.2.3.4, 127.0.0.1"]
    assert sent["x-forwarded-proto"] == ["https"] and sent["x-forwarded-host"] == ["bank.test"]
    assert response.header("x-request-id") == sent["x-request-id"][0] == "chosen-by-client"
    assert gateway.exchange(response)["client"].startswith("1.2.3.4")


def test_hop_by_hop_fields_stay_here(gateway):
    sent = headers_of(fetch(gateway.port, target="/any", headers={
        "Connection": "keep-alive, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "Proxy-Connection": "keep-alive",
        "Proxy-Authorization": "Basic eDp5", "TE": "trailers", "X-End": "2"}))
    assert sent["x-end"] == ["2"]
    assert not {"x-hop", "keep-alive", "proxy-connection", "proxy-authorization"} & set(sent)


def test_via_is_off_by_default(gateway):
    response = fetch(gateway.port, target="/any")
    assert response.header("via") is None and "via" not in headers_of(response)


def test_request_ids_differ(gateway):
    with Connection(gateway.port) as connection:
        ids = {connection.request("GET", "/any").header("x-request-id") for _ in range(50)}
    assert len(ids) == 50 and None not in ids


def test_least_connections_avoids_the_busy_endpoint(start_gateway, endpoint):
    busy, arrived, release = [], threading.Event(), threading.Event()

    def script(peer):
        while (request := peer.read_request()) is not None:
            if b"/hold" in request[0]:
                busy.append(peer.endpoint)
                arrived.set()
                assert release.wait(patience(20))
            name = b"%d" % peer.endpoint.port
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))

    first, second = endpoint(script), endpoint(script)
    gateway = start_gateway(simple(first, second, upstream_options={"balance": "least_connections"}, workers=1))
    with Connection(gateway.port) as connection:
        connection.send(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert arrived.wait(patience(10))
        idle = second if busy[0] is first else first
        assert {fetch(gateway.port, target="/x").body for _ in range(6)} == {b"%d" % idle.port}
        release.set()
        assert connection.read_response().body == b"%d" % busy[0].port


def test_round_robin_uses_every_endpoint(start_gateway, start_instance):
    names = [f"number {index}" for index in range(3)]
    gateway = start_gateway(simple(*[start_instance(name) for name in names], workers=1))
    seen = [fetch(gateway.port, target="/whoami").json()["instance"] for _ in range(9)]
    assert {name: seen.count(name) for name in names} == {name: 3 for name in names}


def test_websocket_and_http_share_a_path(start_gateway, node_ws):
    gateway = start_gateway(simple(node_ws, route={"match": {"path": "/ws"}}))
    assert fetch(gateway.port, target="/ws/x").body == b"plain /ws/x"
    with WebSocket(gateway.port, "/ws/echo") as socket:
        socket.send("both")
        assert socket.receive() == "both"
