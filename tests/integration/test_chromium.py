"""A real page in a real browser: what a listed origin may do, and what another origin may not."""

import json

import pytest

import backends
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
        "sockets": [{"url": f"wss://api.example.test:{gateway.tls_port}{target}"} for target in sockets],
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
