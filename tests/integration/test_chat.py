"""A chat behind the gateway: Django hands out access tokens that live for a short time, Channels takes them in the address
of a WebSocket, and the client knows nothing of a gateway."""

import json
import os
import subprocess
import time

import pytest

import backends
from configs import upstream
from raw import fetch
from settings import BACKENDS, SLOW_BUILD, patience, program

SECRET = "the-chat-signs-with-a-rather-long-secret"

# Lives of a token and of a socket, in seconds. POSTERN_LONG_TESTS=1 takes those of a real chat.
LIFE, SOCKET = (20, 180) if os.environ.get("POSTERN_LONG_TESTS") else (8, 40) if SLOW_BUILD else (5, 36)


@pytest.fixture
def chat(start_backend):
    return start_backend(backends.python, "chat_app.py", SECRET, LIFE, "/api/token/")


def config(chat, log_format="json", **changes):
    return {
        "workers": 2,
        "log": {"level": "debug", "format": log_format},
        "origins": {"page": {"allow": ["http://localhost:*"], "credentials": True}},
        "jwt": {"login": {"secret": SECRET, "algorithms": ["HS256"], "leeway": "0s", "subject": "user_id",
                          "from": [{"query": "token"}, "header"]}},
        "upstreams": {"chat": upstream(chat)},
        "routes": [
            {"name": "tokens", "match": {"path": "/api/token/"}, "upstream": "chat", "origins": "page",
             "refresh_calls": {"path": "/api/token/refresh/", "token": "access"}},
            {"name": "api", "match": {"path": "/api/"}, "upstream": "chat", "origins": "page"},
            {"name": "ws", "match": {"path": "/ws/"}, "upstream": "chat", "origins": "page", "jwt": "login", **changes},
        ]}


def start_client(gateway, seconds, refresh_every):
    command = [program("node"), os.path.join(BACKENDS, "chat_client.mjs"), gateway.port, seconds, refresh_every]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)


def result(client, seconds):
    output, _ = client.communicate(timeout=seconds + patience(20))
    assert client.returncode == 0
    return json.loads(output.splitlines()[-1])


def assert_no_token_in_log(gateway, tokens):
    text = "\n".join(gateway.raw_lines)
    assert tokens and text
    for token in tokens:
        assert token not in text and token.split(".")[2] not in text and token.split(".")[1] not in text


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_socket_outlives_its_tokens_while_refresh_calls_pass_by(start_gateway, chat, log_format):
    if log_format == "text" and os.environ.get("POSTERN_LONG_TESTS") is None and SLOW_BUILD:
        seconds = LIFE * 2 + 2
    else:
        seconds = SOCKET
    gateway = start_gateway(config(chat, log_format))
    client = start_client(gateway, seconds, LIFE * 0.6)
    seen = result(client, seconds)
    assert seen["opens"] == 1 and seen["closes"] == [] and seen["open"] and not seen["gaveUp"]
    assert seen["refreshes"] >= seconds // LIFE and seen["failedRefreshes"] == 0
    assert seen["sent"] > seconds and seen["received"] >= seen["sent"] - 2
    assert_no_token_in_log(gateway, seen["tokens"])
    assert any("token_renewed" in line for line in gateway.raw_lines)


def test_without_refresh_the_socket_closes_with_a_code_after_which_the_client_comes_back(start_gateway, chat):
    gateway = start_gateway(config(chat))
    seconds = LIFE + 12
    client = start_client(gateway, seconds, LIFE * 0.6)
    gateway.wait_for("tunnel_open")
    fetch(chat.port, target="/control/?refresh=off", host="localhost")
    closed = gateway.wait_for("tunnel_close", timeout=LIFE + 10)
    assert closed["cause"] == "token_expired" and closed["by"] == "gateway"
    fetch(chat.port, target="/control/?refresh=on", host="localhost")
    seen = result(client, seconds)
    assert seen["closes"] and {one["code"] for one in seen["closes"]} <= {1012, 1006}
    assert seen["closes"][0] == {"code": 1012, "reason": "token_expired"}
    assert seen["open"] and seen["opens"] >= 2 and not seen["gaveUp"]
    assert_no_token_in_log(gateway, seen["tokens"])
    users = json.loads(fetch(chat.port, target="/control/", host="localhost").body)["sockets"]
    assert {one["user"] for one in users} == {"ann"}  # no stale token reached the application


def test_logged_out_session_is_not_renewed(start_gateway, chat):
    """Another user's refresh calls renew nothing."""
    gateway = start_gateway(config(chat))
    client = start_client(gateway, LIFE + 3, 3600)
    gateway.wait_for("tunnel_open")
    for _ in range(3):
        answer = fetch(gateway.port, "POST", "/api/token/refresh/", host=f"localhost:{gateway.port}",
                       headers=[("Cookie", "refresh=refresh-of-bob")])
        assert answer.status == 200
        time.sleep(LIFE / 4)
    closed = gateway.wait_for("tunnel_close", timeout=LIFE + 10)
    assert closed["cause"] == "token_expired"
    client.kill()
    client.communicate()
    assert not any("token_renewed" in line for line in gateway.raw_lines)
