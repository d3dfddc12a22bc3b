"""Logout at the application, and by a provider: what the session holds elsewhere ends, on every worker."""

import os
import time
import urllib.parse

import pytest

import backends
import tokens
from configs import upstream
from metrics import LOCAL_ADMIN
from oidc_provider import OidcProvider
from raw import fetch
from revocations import SECRET, bearer, config, is_open, open_socket, open_stream
from settings import patience
from websocket_client import WebSocket


def test_logout_in_one_tab_ends_the_others(start_gateway, node_http, node_ws, start_backend):
    events = start_backend(backends.node, "event_source_server.mjs")
    made = config(node_http, node_ws, events, workers=3)
    made["routes"][0]["logout"] = ["/whoami", "/missing"]
    gateway = start_gateway(made)
    sockets = [open_socket(gateway) for _ in range(6)]
    stream = open_stream(gateway)
    other = open_socket(gateway, "bob")
    assert fetch(gateway.port, target="/echo", headers=bearer()).status == 200  # no logout path
    assert is_open(sockets[0])
    logged_out = fetch(gateway.port, "POST", "/whoami", headers=bearer(), body=b"")
    assert logged_out.status == 200
    began = time.monotonic()
    for socket in sockets:
        assert socket.receive().close_code == 4401
    stream.take_until(b"\r\n0\r\n\r\n")
    assert time.monotonic() - began < patience(1)
    assert fetch(gateway.port, target="/echo", headers=bearer()).status == 401
    assert fetch(gateway.port, target="/echo", headers=bearer(sub="alice", jti="another")).status == 401  # the same session
    line = gateway.wait_for("token_revoked")
    assert (line["by"], line["named"], line["route"]) == ("logout", "sid", "http")
    assert is_open(other)
    anonymous = tokens.token("HS256", SECRET.encode(), tokens.claims(sub="carol"))
    fetch(gateway.port, "POST", "/whoami", headers=[("Authorization", f"Bearer {anonymous}")], body=b"")
    assert gateway.wait_for("logout_without_effect", check=None)["finding"] == "logout_unnamed"
    assert not any("session-alice" in text or "token-alice" in text for text in gateway.raw_lines)
    other.connection.close()


@pytest.fixture
def provider(authority):
    made = OidcProvider(authority.issue("provider", ["localhost"]))
    yield made
    made.stop()


def with_provider(provider, authority, http_backend, socket_backend):
    return {
        "admin": LOCAL_ADMIN, "workers": 4,
        "jwt": {"login": {"issuer": provider.issuer, "audience": "api", "algorithms": ["RS256"], "keys": provider.jwks_uri,
                          "fetch": {"ca": authority.path, "timeout": "2s", "cooldown": "1s"}}},
        "upstreams": {"http": upstream(http_backend), "ws": upstream(socket_backend)},
        "routes": [{"name": "http", "upstream": "http", "jwt": "login"},
                   {"name": "ws", "match": {"path": "/ws/"}, "upstream": "ws", "jwt": "login"},
                   {"name": "logout", "match": {"exact": "/.postern/logout"},
                    "backchannel_logout": {"use": "login", "audience": "client-7"}}]}


EVENT = {"http://schemas.openid.net/event/backchannel-logout": {}}


def logout_token(provider, **changes):
    made = {"aud": "client-7", "events": EVENT, "jti": os.urandom(8).hex(), "sub": None, "exp": int(time.time()) + 120, **changes}
    return provider.token(**made)


def post_logout(gateway, text, kind="application/x-www-form-urlencoded", method="POST"):
    body = text if isinstance(text, bytes) else urllib.parse.urlencode({"logout_token": text}).encode()
    return fetch(gateway.port, method, "/.postern/logout", headers=[("Content-Type", kind)], body=body)


def test_provider_logs_out_a_session_and_a_user(start_gateway, node_http, node_ws, provider, authority):
    gateway = start_gateway(with_provider(provider, authority, node_http, node_ws))

    def headers(sid, **changes):
        return [("Authorization", "Bearer " + provider.token(aud="api", sid=sid, **changes))]

    def answer(sid, **changes):
        return fetch(gateway.port, target="/whoami", headers=headers(sid, **changes)).status

    sockets = {sid: [WebSocket(gateway.port, "/ws/echo", headers=headers(sid)) for _ in range(8)] for sid in ("one", "two")}
    began = time.monotonic()
    done = post_logout(gateway, logout_token(provider, sid="one"))
    assert done.status == 200 and done.header("cache-control") == "no-store" and done.body == b""
    for socket in sockets["one"]:
        assert socket.receive().close_code == 4401
    assert time.monotonic() - began < patience(1)
    assert answer("one") == 401 and answer("two") == 200
    assert all(is_open(socket) for socket in sockets["two"])
    provider.rotate()  # a new key, which nobody has fetched yet
    assert post_logout(gateway, logout_token(provider, sub="alice")).status == 200  # after a fetch
    assert provider.fetches() == 2
    for socket in sockets["two"]:
        assert socket.receive().close_code == 4401
    assert answer("two", iat=int(time.time()) - 60) == 401
    assert answer("three", iat=int(time.time()) + 2) == 200  # a new login
    line = gateway.wait_for("token_revoked", check=None, named="sub")
    assert line["by"] == "backchannel_logout"


def test_logout_tokens_that_are_refused(start_gateway, node_http, node_ws, provider, authority):
    gateway = start_gateway(with_provider(provider, authority, node_http, node_ws))
    now = int(time.time())
    stranger = tokens.new_key("RS256")
    wrong = {
        "another key": provider.token(key=stranger, aud="client-7", events=EVENT, jti="a", sid="one"),
        "another audience": logout_token(provider, sid="one", aud="api"),
        "another issuer": tokens.token("RS256", provider.keys[provider.kid], tokens.claims(
            iss="https://elsewhere.test", aud="client-7", events=EVENT, jti="b", sid="one"), kid=provider.kid),
        "a nonce": logout_token(provider, sid="one", nonce="n"),
        "no events": logout_token(provider, sid="one", events=None),
        "another event": logout_token(provider, sid="one", events={"http://schemas.openid.net/event/other": {}}),
        "an event that is no object": logout_token(provider, sid="one", events={list(EVENT)[0]: True}),
        "nobody": logout_token(provider),
        "no jti": logout_token(provider, sid="one", jti=None),
        "no iat": logout_token(provider, sid="one", iat=None),
        "old": logout_token(provider, sid="one", iat=now - 400),
        "expired": logout_token(provider, sid="one", exp=now - 300),
        "of the future": logout_token(provider, sid="one", iat=now + 3600),
        "a session that is a number": logout_token(provider, sid=1),
        "an access token": provider.token(aud="api", sid="one"),
        "rubbish": "rubbish", "nothing": b"", "two": b"logout_token=a&logout_token=b", "another form": b"token=x",
    }
    for name, text in wrong.items():
        response = post_logout(gateway, text)
        assert response.status == 400, name
        assert response.json()["error"] == "logout_refused", name
    good = logout_token(provider, sid="one")
    assert post_logout(gateway, good, kind="application/json").status == 400
    assert post_logout(gateway, good, method="PUT").status == 405
    assert fetch(gateway.port, target="/.postern/logout").status == 405
    assert post_logout(gateway, b"logout_token=" + b"x" * 40_000).status == 413
    header = [("Authorization", "Bearer " + provider.token(aud="api", sid="one"))]
    assert fetch(gateway.port, target="/whoami", headers=header).status == 200
    assert post_logout(gateway, good).status == 200
    assert post_logout(gateway, good).status == 400  # used before
    assert fetch(gateway.port, target="/whoami", headers=header).status == 401
