"""One origin list: preflights, answers, the gateway's own errors, and WebSocket handshakes."""

import pytest

from configs import simple, upstream
from raw import fetch
from websocket_client import WebSocket, refused

LISTED = "https://app.example.com"
UNLISTED = "https://evil.example"
ALLOW_FIELDS = ["access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods",
                "access-control-allow-headers", "access-control-expose-headers"]


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, node_ws):
    return start_shared_gateway({
        "origins": {
            "dashboard": {"allow": [LISTED, "https://*.pages.example.com", {"pattern": r"https://pr-[0-9]+\.example\.com"},
                                    "http://localhost:5173"],
                          "credentials": True, "expose": ["X-Request-Id"]},
            "strict": {"allow": [LISTED, "null"], "require": True},
        },
        "jwt": {"main": {"secret": "a secret of at least thirty-two characters", "algorithms": ["HS256"]}},
        "upstreams": {"api": upstream(node_http), "ws": upstream(node_ws), "gone": {"endpoints": ["http://127.0.0.1:1"]}},
        "routes": [
            {"name": "api", "match": {"path": "/api"}, "upstream": "api", "origins": "dashboard"},
            {"name": "secret", "match": {"path": "/secret"}, "upstream": "api", "origins": "dashboard", "jwt": "main"},
            {"name": "gone", "match": {"path": "/gone"}, "upstream": "gone", "origins": "dashboard"},
            {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws", "origins": "dashboard"},
            {"name": "strict", "match": {"path": "/strict"}, "upstream": "ws", "origins": "strict"},
            {"name": "open", "match": {"path": "/open"}, "upstream": "api"},
        ]})


def varies_by_origin(response):
    return any("origin" in value.lower() for value in response.all("vary"))


def preflight(gateway, origin, target="/api/x", method="PUT", headers="content-type,x-custom"):
    fields = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        fields["Access-Control-Request-Headers"] = headers
    return fetch(gateway.port, "OPTIONS", target, fields)


@pytest.mark.parametrize("origin", [LISTED, "https://a.pages.example.com", "https://a.b.pages.example.com",
                                    "https://pr-12.example.com", "http://localhost:5173"])
def test_listed_origin_may_read_with_credentials(gateway, origin):
    response = fetch(gateway.port, target="/api/echo", headers={"Origin": origin})
    assert response.status == 200
    assert response.all("access-control-allow-origin") == [origin]
    assert response.all("access-control-allow-credentials") == ["true"]
    assert response.header("access-control-expose-headers", "").lower() == "x-request-id"
    assert varies_by_origin(response)


@pytest.mark.parametrize("origin", [
    UNLISTED, "http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.example",
    "https://evilapp.example.com", "https://pages.example.com", "https://evilpages.example.com",
    "https://a.pages.example.com.evil.example", "https://pr-x.example.com", "https://pr-1.example.com.evil.example",
    "https://xpr-1.example.com", "https://pr-1xexample.com", "null", "https://app.example.com/", "http://localhost:5174"])
def test_unlisted_origin_is_refused_and_both_are_named(gateway, origin):
    mark = gateway.mark()
    response = fetch(gateway.port, target="/api/echo", headers={"Origin": origin})
    assert (response.status, response.json()["error"]) == (403, "origin_refused")
    assert [response.header(name) for name in ALLOW_FIELDS] == [None] * len(ALLOW_FIELDS)
    assert origin in response.json()["detail"] and "dashboard" in response.json()["detail"]
    line = gateway.exchange(response, since=mark)
    assert line["cause"] == "origin_refused" and origin in line["detail"] and "dashboard" in line["detail"]


def test_request_without_an_origin_is_nobodys_cors(gateway):
    response = fetch(gateway.port, target="/api/echo")
    assert response.status == 200 and response.header("access-control-allow-origin") is None
    assert varies_by_origin(response)


def test_preflight_is_answered_at_the_edge(gateway, node_http):
    before = fetch(node_http.port, target="/count").json()["counted"]
    response = preflight(gateway, LISTED)
    assert response.status == 204 and response.body == b""
    assert response.header("access-control-allow-origin") == LISTED
    assert response.header("access-control-allow-credentials") == "true"
    assert "PUT" in response.header("access-control-allow-methods")
    allowed = response.header("access-control-allow-headers").lower().replace(" ", "").split(",")
    assert set(allowed) == {"content-type", "x-custom"}
    assert response.header("access-control-max-age") == "600" and varies_by_origin(response)
    assert fetch(node_http.port, target="/count").json()["counted"] == before


def test_preflight_of_an_unlisted_origin_allows_nothing_and_is_logged(gateway):
    response = preflight(gateway, UNLISTED)
    assert [response.header(name) for name in ALLOW_FIELDS] == [None] * len(ALLOW_FIELDS)
    line = gateway.exchange(response)
    assert line["cause"] == "origin_refused" and UNLISTED in line["detail"] and "dashboard" in line["detail"]


def test_preflight_needs_no_token(gateway):
    response = preflight(gateway, LISTED, "/secret/x", "POST", "authorization")
    assert response.status == 204 and response.header("access-control-allow-origin") == LISTED


def test_plain_options_goes_to_the_backend(gateway):
    response = fetch(gateway.port, "OPTIONS", "/api/echo", {"Origin": LISTED})
    assert response.status == 200 and response.json()["method"] == "OPTIONS"


def test_fields_of_the_backend_are_replaced(gateway):
    response = fetch(gateway.port, target="/api/cors", headers={"Origin": LISTED})
    assert response.all("access-control-allow-origin") == [LISTED]
    assert response.all("access-control-allow-credentials") == ["true"]
    assert response.all("access-control-expose-headers") == ["X-Request-Id"]
    assert "accept-encoding" in ",".join(response.all("vary")).lower() and varies_by_origin(response)
    unasked = fetch(gateway.port, target="/api/cors")
    assert [unasked.header(name) for name in ALLOW_FIELDS] == [None] * len(ALLOW_FIELDS)


def test_route_without_a_list_leaves_cors_to_the_backend(gateway):
    response = fetch(gateway.port, target="/open/echo", headers={"Origin": UNLISTED})
    assert response.status == 200


@pytest.mark.parametrize("target, status", [("/secret/x", 401), ("/gone/x", 502), ("/api/%00", 400)])
def test_errors_of_the_gateway_can_be_read_by_the_page(gateway, target, status):
    response = fetch(gateway.port, target=target, headers={"Origin": LISTED})
    assert response.status == status
    if status != 400:  # a target that cannot be read has no route, hence no list
        assert response.header("access-control-allow-origin") == LISTED
        assert response.header("access-control-allow-credentials") == "true" and varies_by_origin(response)


def test_error_of_the_gateway_is_not_readable_for_others(gateway):
    assert fetch(gateway.port, target="/gone/x", headers={"Origin": UNLISTED}).header("access-control-allow-origin") is None


# WebSockets

def test_listed_origin_opens_a_websocket(gateway):
    with WebSocket(gateway.port, "/ws/echo", {"Origin": LISTED}) as socket:
        socket.send("hello")
        assert socket.receive() == "hello"


@pytest.mark.parametrize("origin", [UNLISTED, "null", "http://app.example.com"])
def test_unlisted_origin_opens_no_websocket(gateway, origin):
    response = refused(gateway.port, "/ws/echo", {"Origin": origin})
    assert (response.status, response.json()["error"]) == (403, "origin_refused")
    line = gateway.exchange(response)
    assert origin in line["detail"] and "dashboard" in line["detail"]


def test_websocket_without_an_origin_is_taken_unless_one_is_required(gateway):
    with WebSocket(gateway.port, "/ws/echo") as socket:
        socket.send("curl and friends")
        assert socket.receive() == "curl and friends"
    assert refused(gateway.port, "/strict/echo").status == 403


def test_null_is_listed_only_when_said(gateway):
    with WebSocket(gateway.port, "/strict/echo", {"Origin": "null"}) as socket:
        socket.send("a sandboxed page")
        assert socket.receive() == "a sandboxed page"


def test_two_origins_are_none(gateway):
    response = fetch(gateway.port, target="/api/echo", headers=[("Origin", LISTED), ("Origin", UNLISTED)])
    assert response.status in (400, 403) and response.header("access-control-allow-origin") is None


def test_credentials_need_to_be_said(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, route={"origins": "app"}, origins={"app": {"allow": [LISTED]}}))
    response = fetch(gateway.port, target="/echo", headers={"Origin": LISTED})
    assert response.header("access-control-allow-origin") == LISTED
    assert response.header("access-control-allow-credentials") is None
