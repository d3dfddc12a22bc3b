"""A real page in a real browser: what a listed origin may do, and what another origin may not."""

import json

import pytest

import backends
import tokens
from configs import tls_listener, upstream
from settings import patience

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


# Sockets that are refused: what a page can do nothing about by trying again, it is told by a Close frame; all else
# is a handshake that failed, as it is without a gateway.

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


def test_page_is_told_by_close_what_is_wrong_with_its_token_and_all_else_by_status(guarded, pages, chromium):
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
        (1006, ""), (1006, ""), (1006, ""), (1006, ""), (1006, ""), (1006, ""), (1000, "seen"), (1006, ""),
        (1003, "from_client.messages"), (4009, "from_client.message_size"), (1000, "seen")]
    assert [socket["clean"] for socket in result["sockets"]] == [code != 1006 for code, _ in told]
    assert result["sockets"][2]["protocol"] == "bearer"
    ids = {line["request_id"] for line in guarded.find("exchange", since=mark)}
    assert all(json.loads(socket["reason"])["id"] in ids for socket in result["sockets"] if socket["reason"].startswith("{"))
    statuses = [message["text"].rsplit(" ", 1)[-1] for message in complaints(result) if "Unexpected response code" in message["text"]]
    assert statuses == ["503", "502", "404", "403", "200", "503", "429"]


# A browser opens one WebSocket to an address at a time: what one of a page's sockets waits, all behind it wait.

@pytest.mark.parametrize("hold", ["10s", "60s"])
def test_socket_that_is_held_does_not_keep_the_page_from_its_healthy_ones(start_gateway, site, pages, node_ws, chromium, hold):
    gateway = start_gateway({
        "listeners": [tls_listener(site)],
        "upstreams": {"ws": upstream(node_ws), "away": upstream("http://127.0.0.1:1", hold=hold)},
        "routes": [{"match": {"path": "/away"}, "upstream": "away"}, {"match": {"path": "/"}, "upstream": "ws"}]})
    origin = f"wss://api.example.test:{gateway.tls_port}"
    result = backends.run_node("chromium_page.mjs", json.dumps({
        "executable": chromium, "map": ["*.example.test 127.0.0.1"], "page": f"https://app.example.test:{pages.port}/status?code=200",
        "together": [origin + "/away"] + [origin + "/echo"] + [f"{origin}/away?{number}" for number in range(7)] + [origin + "/echo"],
    }), timeout=90)
    sockets = result["together"]
    for socket in sockets:
        assert socket["code"] == (1000 if "/echo" in socket["url"] else 1006)
    first, last = (socket["opened_ms"] for socket in sockets if "/echo" in socket["url"])
    assert first < patience(1.5) * 1000  # a second's wait, and the handshakes
    # Chromium itself holds back those that come after many that failed; the gateway adds nothing to it.
    lines = gateway.find("exchange", cause="hold_expired")
    assert len(lines) == 8 and sorted(line["duration_ms"] for line in lines)[-2] < 500
    assert last < 30_000
