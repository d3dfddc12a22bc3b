"""Tickets: what a page puts into the URL of a WebSocket or of an event stream in place of its token."""

import concurrent.futures
import json
import time

import pytest

import tokens
from configs import upstream
from raw import fetch
from websocket_client import WebSocket

SECRET = "an-old-song-about-a-very-long-river"
PAGE = "https://app.example"


@pytest.fixture
def gateway(start_gateway, node_http, node_ws):
    return start_gateway({
        "workers": 4,
        "origins": {"page": {"allow": [PAGE], "credentials": True}},
        "jwt": {"users": {"secret": SECRET, "algorithms": ["HS256"], "from": ["header", "ticket"]}},
        "upstreams": {"http": upstream(node_http), "ws": upstream(node_ws)},
        "routes": [
            {"name": "tickets", "match": {"exact": "/.postern/ticket"}, "origins": "page", "jwt": "users", "ticket": "30s"},
            {"name": "api", "match": {"path": "/api"}, "upstream": "http", "jwt": {"use": "users", "forward_as": {"query": "token"}},
             "forward_claims": {"sub": "X-User"}},
            {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws", "origins": "page", "jwt": "users", "forward_claims": {"sub": "X-User"}},
        ]})


def token(sub="alice"):
    return tokens.token("HS256", SECRET.encode(), tokens.claims(sub=sub))


def issue(gateway, bearer, **headers):
    return fetch(gateway.port, "POST", "/.postern/ticket", headers=[("Authorization", f"Bearer {bearer}"), *headers.items()])


def ticket(gateway, sub="alice"):
    answer = issue(gateway, token(sub))
    assert answer.status == 200 and answer.header("content-type") == "application/json" and answer.header("cache-control") == "no-store"
    body = json.loads(answer.body)
    assert set(body) == {"ticket", "expires_in"} and body["expires_in"] == 30 and len(body["ticket"]) == 43
    return body["ticket"]


def test_ticket_is_good_once_on_any_worker(gateway):
    """Each request is a connection of its own, and the kernel spreads them over four workers."""
    tickets = [ticket(gateway, f"user-{number}") for number in range(24)]

    def use(number):
        return fetch(gateway.port, target=f"/api/headers?ticket={tickets[number]}")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(use, range(24)))
        again = list(pool.map(use, range(24)))
    assert [answer.status for answer in answers] == [200] * 24
    assert all(f"user-{number}".encode() in answer.body for number, answer in enumerate(answers))
    assert {answer.status for answer in again} == {401}
    assert again[0].json()["error"] == "ticket_refused" and "new ticket" in again[0].json()["remedy"]


def test_two_who_have_one_ticket_do_not_both_get_in(gateway):
    for _ in range(10):
        one = ticket(gateway)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = [answer.status for answer in pool.map(lambda _: fetch(gateway.port, target=f"/api/x?ticket={one}"), range(8))]
        assert sorted(statuses)[0] == 200 and statuses.count(401) == 7


def test_endpoint_gets_the_token_and_never_the_ticket(gateway):
    one = ticket(gateway)
    target = fetch(gateway.port, target=f"/api/echo?a=1&ticket={one}&b=2").json()["target"]
    assert one not in target and target.startswith("/api/echo?a=1&b=2&token=ey")


def test_websocket_of_a_page_opens_with_a_ticket(gateway):
    one = ticket(gateway)
    with WebSocket(gateway.port, f"/ws/echo?ticket={one}", headers={"Origin": PAGE}) as socket:
        socket.send("hello")
        assert socket.receive() == "hello"
    line = gateway.wait_for("tunnel_close")
    assert "ticket=" in line["target"] and one not in line["target"]


def test_issuing_needs_a_token_a_post_and_an_origin_on_the_list(gateway):
    assert fetch(gateway.port, "POST", "/.postern/ticket").status == 401
    assert issue(gateway, token() + "x").status == 401
    got = fetch(gateway.port, "GET", "/.postern/ticket", headers=[("Authorization", f"Bearer {token()}")])
    assert got.status == 405 and got.header("allow") == "POST"
    assert issue(gateway, token(), Origin="https://elsewhere.example").status == 403
    answer = issue(gateway, token(), Origin=PAGE)
    assert answer.status == 200 and answer.header("access-control-allow-origin") == PAGE
    preflight = fetch(gateway.port, "OPTIONS", "/.postern/ticket", headers=[
        ("Origin", PAGE), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")])
    assert preflight.status == 204 and "POST" in preflight.header("access-control-allow-methods")


def test_ticket_of_a_token_that_has_expired_since_is_no_way_around_it(gateway):
    short = tokens.token("HS256", SECRET.encode(), tokens.claims(exp=int(time.time()) - 58))  # 60 s leeway
    answer = issue(gateway, short)
    assert answer.status == 200
    time.sleep(2.5)
    used = fetch(gateway.port, target=f"/api/x?ticket={answer.json()['ticket']}")
    assert used.status == 401 and used.json()["error"] == "token_expired"


def test_no_log_has_a_ticket_or_a_token(gateway):
    one, unknown = ticket(gateway), "A" * 43
    for value in (one, one, unknown):
        fetch(gateway.port, target=f"/api/x?ticket={value}")
    gateway.wait_for("exchange", route="api", status=401)
    text = "\n".join(gateway.raw_lines)
    assert one not in text and unknown not in text and token().split(".")[2] not in text
