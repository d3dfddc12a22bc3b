"""A page opens its WebSocket with a token that has expired, and has a refresh cookie: the gateway exchanges the token at
the application's own refresh endpoint, which is Django's, and the socket opens at the first attempt."""

import concurrent.futures
import json

import pytest

import metrics
from configs import upstream
from raw import fetch
from tokens import SHARED_SECRET
from websocket_client import WebSocket, refused

HOST = "app.example.test"
ORIGIN = "https://app.example.test"


@pytest.fixture
def gateway(start_gateway, django_backend):
    return start_gateway(config(django_backend))


def config(backend, **refresh):
    return {
        "admin": metrics.LOCAL_ADMIN,
        "origins": {"app": {"allow": [ORIGIN]}},
        "jwt": {"login": {"secret": SHARED_SECRET, "algorithms": ["HS256"], "issuer": "chat", "leeway": "0s", "subject": "user_id",
                          "from": [{"query": "token"}]}},
        "upstreams": {"app": upstream(backend)},
        "routes": [
            # The pages' own calls: the refresh cookie, which Django limits to its own path, comes with the WebSocket too.
            {"name": "session", "match": {"path": "/session"}, "upstream": "app", "origins": "app",
             "cookies": {"path": {"/session/": "/"}}},
            {"name": "chat", "match": {"path": "/ws"}, "upstream": "app", "origins": "app",
             "cookies": {"path": {"/session/": "/"}},
             "jwt": {"use": "login", "refresh": {"path": "/session/refresh/", "cookie": "refresh_token", "token": "access", **refresh}}},
        ],
    }


def login(gateway, user, life=-60):
    """The access token of a user who has just come, and the refresh cookie as the browser has it: value and path."""
    response = fetch(gateway.port, target=f"/session/login?user={user}&life={life}", host=HOST)
    return response.json()["access"], cookie_of(response)


def cookie_of(response):
    fields = [field for field in response.all("set-cookie") if field.startswith("refresh_token=")]
    assert len(fields) == 1, response.headers
    value, *attributes = [part.strip() for part in fields[0].split(";")]
    assert "Path=/" in attributes and "HttpOnly" in attributes, fields
    return value


def connect(gateway, token, cookie):
    headers = {"Origin": ORIGIN, "Cookie": f"theme=dark; {cookie}"}
    return WebSocket(gateway.port, f"/ws/tokens/?threadId=7&token={token}&correlationId=a%2Fb", headers, HOST)


def calls(gateway, cookie):
    every = fetch(gateway.port, target="/session/seen", host=HOST).json()["refreshes"]
    return [call for call in every if f"refresh_token={call['cookie']}" == cookie]


def assert_no_token_in_log(gateway, *tokens):
    for line in gateway.raw_lines:
        for token in tokens:
            assert token not in line and token.rpartition(".")[2] not in line, line


def test_stale_token_opens_the_socket_at_the_first_attempt(gateway):
    stale, cookie = login(gateway, "alice")
    with connect(gateway, stale, cookie) as socket:
        welcome = json.loads(socket.receive())
        fresh = welcome["query"]["token"]
        assert welcome["user"] == "alice" and fresh != stale
        assert {key: value for key, value in welcome["query"].items() if key != "token"} == {
            "threadId": "7", "correlationId": "a/b"}
        rotated = cookie_of(socket.response)
        assert rotated != cookie
    assert calls(gateway, cookie) == [{"cookie": cookie.partition("=")[2], "origin": ORIGIN, "host": HOST, "method": "POST"}]
    # The session lives on: the rotated cookie is good for the next socket.
    with connect(gateway, stale, rotated) as socket:
        assert "alice" in socket.receive()
    assert gateway.wait_for("tunnel_close", timeout=10)["route"] == "chat"
    assert_no_token_in_log(gateway, stale, fresh)
    assert metrics.number(gateway, "postern_token_refresh_total", route="chat", outcome="refreshed") == 2


def test_sockets_of_one_page_share_one_call(gateway):
    """The application ends a session whose cookie comes twice, whichever worker it came to."""
    stale, cookie = login(gateway, "bob")

    def open_one(_):
        with connect(gateway, stale, cookie) as socket:
            assert "bob" in socket.receive()
            return cookie_of(socket.response)

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        rotated = set(pool.map(open_one, range(12)))
    assert len(rotated) == 1 and len(calls(gateway, cookie)) == 1
    open_one(0)  # a moment later, still with the cookie of before
    assert len(calls(gateway, cookie)) == 1
    with connect(gateway, stale, rotated.pop()) as socket:
        assert "bob" in socket.receive()


def test_socket_without_a_session_is_refused_as_before(gateway):
    stale, _ = login(gateway, "carol")
    with connect(gateway, stale, "refresh_token=unknown") as socket:
        frame = socket.receive()
        assert frame.close_code == 4401 and "token_expired" in frame.close_reason
    line = gateway.wait_for("exchange", cause="token_expired", timeout=10)
    assert "app answered 401" in line["detail"]
    with connect(gateway, stale, "other=1") as socket:
        assert socket.receive().close_code == 4401
    assert refused(gateway.port, f"/ws/tokens/?token={stale}", {"Origin": "https://evil.test", "Cookie": "refresh_token=x"},
                   host=HOST).status == 403
    assert_no_token_in_log(gateway, stale)


def test_fresh_token_of_another_user_is_not_taken(gateway):
    stale, _ = login(gateway, "dora")
    _, of_eve = login(gateway, "eve")
    with connect(gateway, stale, of_eve) as socket:
        assert socket.receive().close_code == 4401
        rotated = cookie_of(socket.response)
    assert "is of another user" in gateway.wait_for("exchange", cause="token_expired", timeout=10)["detail"]
    stale_of_eve, _ = login(gateway, "eve")
    with connect(gateway, stale_of_eve, rotated) as socket:
        assert "eve" in socket.receive()
