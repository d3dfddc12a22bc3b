"""A real page in a real browser: what a listed origin may do, and what another origin may not."""

import json

import pytest

import backends
import tokens
from configs import tls_listener, upstream

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(site):
    """Serves the pages themselves, on origins of their own."""
    with backends.node("node_http.mjs", "pages", site.certificate, site.key) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, site, pages, node_http, node_ws):
    return start_shared_gateway({
        "listeners": [tls_listener(site)],
        "origins": {"dashboard": {"allow": [f"https://app.example.test:{pages.port}"], "credentials": True}},
        "upstreams": {"api": upstream(node_http), "ws": upstream(node_ws), "gone": upstream("http://127.0.0.1:1")},
        "routes": [{"name": "api", "match": {"path": "/api"}, "upstream": "api", "origins": "dashboard"},
                   {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws", "origins": "dashboard"},
                   {"name": "gone", "match": {"path": "/gone"}, "upstream": "gone", "origins": "dashboard"}]})


def open_page(gateway, pages, chromium, host, fetches, sockets=()):
    api = f"https://api.example.test:{gateway.tls_port}"
    return backends.run_node("chromium_page.mjs", json.dumps({
        "executable": chromium,
        "map": ["*.example.test 127.0.0.1"],
        "page": f"https://{host}:{pages.port}/status?code=200",
        "cookies": [{"name": "session", "value": "s1", "url": api + "/", "secure": True, "sameSite": "None"}],
        "fetches": [{"url": api + target, "options": options} for target, options in fetches],
        "sockets": [{"url": f"wss://api.example.test:{gateway.tls_port}{target}", "protocols": protocols}
                    for target, protocols in (one if isinstance(one, tuple) else (one, []) for one in sockets)],
    }), timeout=90)


WITH_COOKIES = {"credentials": "include"}
PREFLIGHTED = {"method": "PUT", "credentials": "include", "headers": {"content-type": "application/json", "x-custom": "1"},
               "body": '{"a":1}'}


def complaints(result):
    # The page's own favicon is nobody's business here.
    return [message for message in result["console"] if message["type"] in ("error", "warning", "pageerror")]


def test_page_of_a_listed_origin_reads_the_api_and_opens_the_socket(gateway, pages, chromium):
    result = open_page(gateway, pages, chromium, "app.example.test",
                       [("/api/echo", WITH_COOKIES), ("/api/echo", PREFLIGHTED), ("/api/cors", WITH_COOKIES)], ["/ws/echo"])
    read, put, overridden = result["fetches"]
    assert ["cookie", "session=s1"] in [[name.lower(), value] for name, value in json.loads(read["body"])["headers"]]
    assert json.loads(put["body"])["method"] == "PUT" and json.loads(put["body"])["body_bytes"] == 7
    assert json.loads(overridden["body"]) == {"cors": "backend"}
    socket = result["sockets"][0]
    assert socket["messages"] == ["hello from the page"] and socket["clean"] and socket["code"] == 1000
    assert complaints(result) == []


def test_page_of_an_unlisted_origin_can_do_neither(gateway, pages, chromium):
    mark = gateway.mark()
    result = open_page(gateway, pages, chromium, "evil.example.test",
                       [("/api/echo", WITH_COOKIES), ("/api/echo", PREFLIGHTED)], ["/ws/echo"])
    assert all("Failed to fetch" in one["failed"] for one in result["fetches"])
    socket = result["sockets"][0]
    assert socket.get("opened") is None and socket["messages"] == [] and socket["error"]
    assert any("blocked by CORS policy" in message["text"] for message in complaints(result))
    origin = f"https://evil.example.test:{pages.port}"
    for route in ("api", "ws"):
        line = gateway.wait_for("exchange", since=mark, route=route, cause="origin_refused")
        assert origin in line["detail"] and "dashboard" in line["detail"] and line["status"] == 403


def test_page_can_read_why_the_gateway_failed(gateway, pages, chromium):
    result = open_page(gateway, pages, chromium, "app.example.test", [("/gone/x", WITH_COOKIES)])
    answer = result["fetches"][0]
    assert answer["status"] == 502 and json.loads(answer["body"])["error"] == "upstream_refused"
    assert not any("CORS" in message["text"] for message in result["console"])


# Sockets that are refused: a page sees no status, so it is told by a Close frame; never 1006.

SECRET = b"a secret of the tests, long enough for HS256"


@pytest.fixture(scope="module")
def guarded(start_shared_gateway, site, pages, node_ws, node_http):
    def route(name, **more):
        return {"name": name, "match": {"path": f"/{name}"}, "upstream": "ws", "origins": "dashboard", **more}

    return start_shared_gateway({
        "listeners": [tls_listener(site)],
        "origins": {"dashboard": {"allow": [f"https://app.example.test:{pages.port}"]}},
        "jwt": {"session": {"secret": SECRET.decode(), "algorithms": ["HS256"], "from": [{"query": "token"}, "subprotocol"],
                            "required_claims": {"room": "lobby"}}},
        "rate_limits": {"few": {"rate": "1/h"}},
        "upstreams": {"ws": upstream(node_ws), "http": upstream(node_http),
                      "gone": upstream("http://127.0.0.1:1"),
                      "held": upstream("http://127.0.0.1:1", hold={"time": "1s"})},
        "routes": [route("room", jwt="session"), route("held", upstream="held"), route("gone", upstream="gone"),
                   route("plain", upstream="http", rewrite={"strip_prefix": "/plain"}), route("few", rate_limit="few"),
                   route("closed", maintenance=True),
                   route("text", websocket={"from_client": {"messages": "binary"}}),
                   route("short", websocket={"from_client": {"message_size": 4}, "close_codes": {"too_large": 4009}})]})


def test_page_is_told_why_it_gets_no_socket_and_never_1006(guarded, pages, chromium):
    bad = tokens.token("HS256", b"another secret, just as long as that one", tokens.claims(room="lobby"))
    denied = tokens.token("HS256", SECRET, tokens.claims(room="cellar"))
    good = tokens.token("HS256", SECRET, tokens.claims(room="lobby"))
    asked = [("/room", []), (f"/room?token={bad}", []), ("/room", ["bearer", bad]), (f"/room?token={denied}", []),
             ("/held", []), ("/gone", []), ("/nowhere", []), ("/plain/status?code=403", ["chat"]), ("/plain/status?code=200", []), ("/closed", []),
             ("/few/echo", []), ("/few/echo", []), ("/text/echo", []), ("/short/echo", []), (f"/room/echo?token={good}", ["chat"])]
    mark = guarded.mark()
    result = open_page(guarded, pages, chromium, "app.example.test", [], asked)
    told = [(socket["code"], json.loads(socket["reason"])["error"] if socket["reason"].startswith("{") else socket["reason"])
            for socket in result["sockets"]]
    assert told == [
        (4401, "token_missing"), (4401, "token_signature"), (4401, "token_signature"), (4403, "token_claims"),
        (1013, "hold_expired"), (1013, "upstream_refused"), (4404, "no_route"), (4403, "refused_by_backend"),
        (4404, "refused_by_backend"), (1013, "maintenance"), (1000, "seen"), (4429, "rate_limited"),
        (1003, "from_client.messages"), (4009, "from_client.message_size"), (1000, "seen")]
    assert all(socket["clean"] for socket in result["sockets"])
    assert result["sockets"][2]["protocol"] == "bearer" and result["sockets"][7]["protocol"] == "chat"
    ids = {line["request_id"] for line in guarded.find("exchange", since=mark)}
    assert all(json.loads(socket["reason"])["id"] in ids for socket in result["sockets"] if socket["reason"].startswith("{"))
    assert not [message for message in complaints(result) if "WebSocket" in message["text"]]
