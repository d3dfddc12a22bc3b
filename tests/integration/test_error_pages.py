"""The gateway's own errors as clients want them, and Forwarded as endpoints want it, with the real binary."""

import pytest

from configs import upstream
from raw import Connection, fetch

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, tmp_path_factory):
    pages = tmp_path_factory.mktemp("pages")
    (pages / "403.html").write_text("<style>p{color:red}</style><p>{status} {error} {detail} {path}</p>", encoding="utf-8")
    (pages / "5xx.txt").write_text("{message} ({request_id})\n", encoding="utf-8")
    return start_shared_gateway({
        "forwarded": "both", "trusted_proxies": ["127.0.0.1"],
        "error_pages": {"detail": "full", "403": str(pages / "403.html"), "5xx": str(pages / "5xx.txt")},
        "origins": {"pages": {"allow": ["https://app.example.com"]}},
        "upstreams": {"api": upstream(node_http), "gone": {"endpoints": ["http://127.0.0.1:1"]}},
        "routes": [{"match": {"path": "/api"}, "upstream": "api", "origins": "pages"},
                   {"match": {"path": "/gone"}, "upstream": "gone"}]})


@pytest.mark.parametrize("accept, kind", [
    (None, "application/json"), ("*/*", "application/json"), (BROWSER["Accept"], "text/html; charset=utf-8"),
    ("text/plain", "text/plain; charset=utf-8"), ("text/html;q=0.1, application/json", "application/json"),
    ("nonsense", "application/json"),
])
def test_accept_says_what_an_error_looks_like(gateway, accept, kind):
    response = fetch(gateway.port, target="/nowhere", headers={"Accept": accept} if accept else {})
    assert response.status == 404 and response.all("content-type") == [kind]
    assert b"no_route" in response.body and response.header("x-request-id").encode() in response.body
    assert response.header("cache-control") == "no-store"
    assert (response.header("content-security-policy") is not None) == kind.startswith("text/html")


def test_full_detail_tells_what_is_wrong_behind(gateway):
    response = fetch(gateway.port, target="/gone", headers=BROWSER)
    assert response.status == 502 and b"127.0.0.1:1" in response.body and b"Is the backend running" in response.body


@pytest.mark.parametrize("target, headers", [
    ("/%3Cscript%3E'\"", {}), ("/api", {"Origin": f"https://x\">{EVIL}"}), (f"/{EVIL}", {}),
])
def test_hostile_clients_put_nothing_into_a_page(gateway, target, headers):
    response = fetch(gateway.port, target=target, headers={**BROWSER, **headers})
    assert response.status in (400, 403, 404) and b"<script" not in response.body


def test_hostile_host_is_refused_and_not_shown(gateway):
    with Connection(gateway.port) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: {EVIL}\r\nAccept: text/html\r\n\r\n".encode())
        response = client.read_response()
    assert response.status == 400 and b"<script" not in response.body


def test_own_pages_are_used_for_their_kind(gateway):
    page = fetch(gateway.port, target="/api/x", headers={**BROWSER, "Origin": "https://<b>.example"})
    assert page.status == 403 and page.body.startswith(b"<style>p{color:red}</style><p>403 origin_refused origin ")
    assert b"&lt;b&gt;" in page.body and b"<b>" not in page.body
    text = fetch(gateway.port, target="/gone", headers={"Accept": "text/plain"})
    assert text.body.decode() == f"The endpoint refused the connection. ({text.header('x-request-id')})\n"
    assert fetch(gateway.port, target="/gone").json()["error"] == "upstream_refused"


def test_forwarded_is_added_and_read(gateway):
    response = fetch(gateway.port, target="/api", host="app.example.test",
                     headers={"Forwarded": 'for="[2001:db8::7]:4711";proto=https;host=www.example.test', "X-Forwarded-For": "192.0.2.1"})
    fields = {name.lower(): value for name, value in response.json()["headers"]}
    assert fields["forwarded"] == ('for="[2001:db8::7]:4711";proto=https;host=www.example.test, '
                                   'for=127.0.0.1;host=app.example.test;proto=http')
    assert fields["x-forwarded-for"] == "2001:db8::7, 127.0.0.1"  # who counts, and not whom the other field names
    assert gateway.exchange(response)["client"] == "2001:db8::7"
