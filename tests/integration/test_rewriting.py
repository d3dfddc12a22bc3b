"""Requests and responses that differ on the two sides of the gateway, with the real binary."""

import json

import pytest

from configs import tls_listener, upstream
from raw import client_context, fetch
from scripted import ScriptedEndpoint
from websocket_client import WebSocket


def headers_of(response):
    gathered = {}
    for name, value in response.json()["headers"]:
        gathered.setdefault(name.lower(), []).append(value)
    return gathered


@pytest.fixture(scope="module")
def endpoint():
    """Answers like an application that knows nothing of a gateway."""
    def script(peer):
        peer.read_request()
        own = f"http://127.0.0.1:{peer.endpoint.port}"
        peer.send(("HTTP/1.1 302 Found\r\nServer: old\r\n"
                   f"Location: {own}/login?next=%2F\r\nContent-Location: {own}/me\r\n"
                   "Set-Cookie: a=1; Domain=app.internal; Path=/; HttpOnly\r\n"
                   "Set-Cookie: b=2; expires=Wed, 09 Jun 2027 10:18:14 GMT; path=/x\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n").encode())
        peer.finish()
    with ScriptedEndpoint(script) as one:
        yield one


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, node_ws, endpoint):
    return start_shared_gateway({
        "response_headers": {"set": {"X-Frame-Options": "DENY"}, "remove": ["Server"]},
        "upstreams": {"api": upstream(node_http), "ws": upstream(node_ws), "app": upstream(endpoint),
                      "changed": {**upstream(node_http), "host": "upstream"}},
        "routes": [
            {"name": "strip", "match": {"path": "/api"}, "upstream": "api", "rewrite": {"strip_prefix": "/api"}},
            {"name": "add", "match": {"path": "/v1"}, "upstream": "api", "rewrite": {"add_prefix": "/base"}},
            {"name": "replace", "match": {"path": "/old"}, "upstream": "api", "rewrite": {"replace_prefix": "/new"}},
            {"name": "pattern", "match": {"path": "/u"}, "upstream": "changed",
             "rewrite": {"pattern": r"^/u/(\d+)/(.*)$", "to": r"/users/\2?id=\1"}},
            {"name": "app", "match": {"path": "/app"}, "upstream": "app", "rewrite": {"strip_prefix": "/app"},
             "cookies": {"domain": "remove", "path": {"/": "/app"}, "secure": "add"}},
            {"name": "ws", "match": {"path": "/live"}, "upstream": "ws", "rewrite": {"replace_prefix": "/ws"}},
            {"name": "rules", "match": {"path": "/rules"}, "upstream": "api", "host": "legacy.example.com",
             "request_headers": {"set": {"X-Real-IP": "{client}", "X-Query": "{query}"}, "remove": ["Cookie"],
                                 "add": {"X-Tag": "{method} {route} {scheme}"}}},
        ]})


@pytest.mark.parametrize("target, sent", [
    ("/api/x/y?a=%41&b=/../&c", "/x/y?a=%41&b=/../&c"), ("/api", "/"), ("/api/", "/"), ("/api?", "/?"),
    ("/api//evil.example/x", "/evil.example/x"), ("/api/%61", "/a"), ("/v1/x?q", "/base/v1/x?q"), ("/old/x", "/new/x"),
    ("/old", "/new"), ("/u/7/posts?sort=up", "/users/posts?id=7&sort=up"), ("/u/x/posts", "/u/x/posts"),
])
def test_path_is_rewritten(gateway, target, sent):
    response = fetch(gateway.port, target=target)
    assert response.json()["target"] == sent
    line = gateway.exchange(response)
    assert line["target"] == target and line.get("rewritten", target) == sent


@pytest.mark.parametrize("target", ["/api/%2e%2e/%2e%2e/x", "/api/..%2f..%2fx", "/api/../../x", "/api/x%5c..", "/api/%00"])
def test_no_way_out_of_the_rules(gateway, target):
    assert fetch(gateway.port, target=target).status == 400


def test_stripped_prefix_is_told(gateway):
    response = fetch(gateway.port, target="/api/x", headers={"X-Forwarded-Prefix": "/forged"})
    assert headers_of(response)["x-forwarded-prefix"] == ["/api"]


def test_host_is_the_clients_the_endpoints_or_another(gateway, node_http):
    fields = [headers_of(fetch(gateway.port, target=target, host="app.example.test")) for target in ("/api", "/u/1/x", "/rules")]
    assert [one["host"] for one in fields] == [["app.example.test"], [node_http.url.split("//")[1]], ["legacy.example.com"]]
    assert all(one["x-forwarded-host"] == ["app.example.test"] for one in fields)


def test_endpoints_addresses_become_the_gateways(gateway):
    host = f"app.example.test:{gateway.port}"
    response = fetch(gateway.port, target="/app/x", host=host)
    assert response.all("location") == [f"http://{host}/app/login?next=%2F"]
    assert response.all("content-location") == [f"http://{host}/app/me"]
    assert response.all("set-cookie") == [
        "a=1; Path=/app; HttpOnly; Secure", "b=2; expires=Wed, 09 Jun 2027 10:18:14 GMT; Path=/app/x; Secure"]
    assert response.header("server") is None and response.header("x-frame-options") == "DENY"


def test_upgrade_is_rewritten(gateway):
    with WebSocket(gateway.port, "/live/headers?x=1") as socket:
        assert json.loads(socket.receive())["target"] == "/ws/headers?x=1"
    opened = gateway.wait_for("tunnel_open", route="ws")
    assert (opened["target"], opened["rewritten"]) == ("/live/headers?x=1", "/ws/headers?x=1")


def test_field_rules(gateway):
    fields = headers_of(fetch(gateway.port, target="/rules?a=b%0d%0aX-Evil:%201",
                              headers={"X-Real-IP": "6.6.6.6", "X_Real_IP": "6.6.6.6", "Cookie": "a=b", "X-Tag": "mine"}))
    assert fields["x-real-ip"] == ["127.0.0.1"] and "x_real_ip" not in fields and "cookie" not in fields
    assert fields["x-query"] == ["a=b%0d%0aX-Evil:%201"] and "x-evil" not in fields
    assert fields["x-tag"] == ["mine", "GET rules http"] or fields["x-tag"] == ["mine, GET rules http"]


def test_rules_hold_for_the_gateways_own_answers(gateway):
    assert fetch(gateway.port, target="/nowhere").header("x-frame-options") == "DENY"


PRESET = {"strict-transport-security": "max-age=31536000", "x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN",
          "content-security-policy": "frame-ancestors 'self'", "referrer-policy": "strict-origin-when-cross-origin",
          "cross-origin-opener-policy": "same-origin-allow-popups", "cross-origin-embedder-policy": None,
          "cross-origin-resource-policy": None}


def test_preset_fills_in_what_the_endpoint_does_not_send(start_gateway, node_http, authority):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Frame-Options: DENY\r\n"
                  b"Content-Security-Policy: default-src 'self'\r\nConnection: close\r\n\r\n")
        peer.finish()

    with ScriptedEndpoint(script) as framed:
        gateway = start_gateway({
            "listeners": [{"address": "127.0.0.1:0"}, tls_listener(authority.issue("preset", ["localhost"]))],
            "upstreams": {"api": upstream(node_http), "framed": upstream(framed)},
            "response_headers": {"preset": "secure"},
            "routes": [
                {"match": {"path": "/api"}, "upstream": "api"},
                {"match": {"path": "/framed"}, "upstream": "framed"},
                {"match": {"path": "/isolated"}, "upstream": "api", "response_headers": {"preset": "isolated", "fill": {"Referrer-Policy": "no-referrer"}}},
                {"match": {"path": "/none"}, "upstream": "api", "response_headers": {"preset": "none"}}]})
        context = client_context(authority.path)

        def fields(target, secure=True):
            more = {"tls": context} if secure else {}
            response = fetch(gateway.tls_port if secure else gateway.port, target=target, **more)
            return {name: response.header(name) for name in PRESET}

        assert fields("/api/x") == PRESET
        assert fields("/api/x", secure=False) == {**PRESET, "strict-transport-security": None}
        assert fields("/nowhere") == PRESET  # the gateway's own answer
        assert fields("/framed") == {**PRESET, "x-frame-options": "DENY", "content-security-policy": "default-src 'self'"}
        assert fields("/isolated") == {
            **PRESET, "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp",
            "cross-origin-resource-policy": "same-origin", "referrer-policy": "no-referrer"}
        assert set(fields("/none").values()) == {None}
