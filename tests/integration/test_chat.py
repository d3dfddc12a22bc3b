"""A chat behind the gateway: Django hands out access tokens that live for a short time, Channels takes them in the address
of a WebSocket, and the client knows nothing of a gateway."""

import json
import os
import subprocess
import time

import pytest

import backends
from configs import upstream
from log_file import read_log
from raw import fetch
from settings import BACKENDS, SLOW_BUILD, patience, program
from websocket_client import WebSocket

SECRET = "the-chat-signs-with-a-rather-long-secret"

# Lives of a token and of a socket, in seconds. POSTERN_LONG_TESTS=1 takes those of a real chat.
LIFE, SOCKET = (20, 180) if os.environ.get("POSTERN_LONG_TESTS") else (8, 40) if SLOW_BUILD else (5, 36)


@pytest.fixture
def chat(start_backend):
    return start_backend(backends.python, "chat_app.py", SECRET, LIFE, "/api/token/")


def config(chat, **changes):
    return {
        "workers": 2,
        "log": {"level": "debug"},
        "origins": {"page": {"allow": [{"pattern": "http://localhost:[0-9]+"}], "credentials": True}},
        "jwt": {"login": {"secret": SECRET, "algorithms": ["HS256"], "leeway": "0s", "subject": "user_id",
                          "from": [{"query": "token"}, "header"]}},
        "upstreams": {"chat": upstream(chat)},
        "routes": [
            {"name": "tokens", "match": {"path": "/api/token/"}, "upstream": "chat", "origins": "page",
             "refresh_calls": {"path": "/api/token/refresh/", "token": "access"}},
            {"name": "api", "match": {"path": "/api/"}, "upstream": "chat", "origins": "page"},
            {"name": "ws", "match": {"path": "/ws/"}, "upstream": "chat", "origins": "page", "jwt": "login",
             "websocket": {"close_codes": {"refused_expired": 4408}}, **changes},
        ]}


def start_client(port, seconds, refresh_every):
    command = [program("node"), os.path.join(BACKENDS, "chat_client.mjs"), port, seconds, refresh_every]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)


def result(client, seconds):
    output, _ = client.communicate(timeout=seconds + patience(20))
    assert client.returncode == 0
    return json.loads(output.splitlines()[-1])


def assert_no_token_in(lines, tokens):
    text = "\n".join(lines)
    assert tokens and text
    for token in tokens:
        assert token not in text and token.split(".")[2] not in text and token.split(".")[1] not in text


def test_socket_outlives_its_tokens_while_refresh_calls_pass_by(start_gateway, chat):
    gateway = start_gateway(config(chat))
    client = start_client(gateway.port, SOCKET, LIFE * 0.6)
    seen = result(client, SOCKET)
    assert seen["opens"] == 1 and seen["closes"] == [] and seen["open"] and not seen["gaveUp"]
    assert seen["refreshes"] >= SOCKET // LIFE and seen["failedRefreshes"] == 0
    assert seen["sent"] > SOCKET and seen["received"] >= seen["sent"] - 2
    assert_no_token_in(gateway.raw_lines, seen["tokens"])
    renewed = [line for line in gateway.lines if line["event"] == "token_renewed"]
    assert len(renewed) >= SOCKET // LIFE
    assert all(line["by"] == "refresh_calls" and line["connections"] == 1 for line in renewed)


def test_token_is_in_no_line_of_the_text_form_of_the_log_either(start_logging_to, chat, tmp_path):
    path = tmp_path / "text.log"
    made = config(chat)
    made["log"] = {"output": str(path), "format": "text", "level": "debug"}
    _, port = start_logging_to(path, made)
    client = start_client(port, LIFE + 3, LIFE * 0.6)
    seen = result(client, LIFE + 3)
    assert seen["open"] and seen["closes"] == []
    assert_no_token_in(read_log(path, "token_renewed"), seen["tokens"])


def test_without_refresh_the_socket_closes_with_a_code_after_which_the_client_comes_back(start_gateway, chat):
    gateway = start_gateway(config(chat))
    seconds = LIFE + 12
    client = start_client(gateway.port, seconds, LIFE * 0.6)
    gateway.wait_for("tunnel_open")
    fetch(chat.port, target="/control/?refresh=off", host="localhost")
    closed = gateway.wait_for("tunnel_close", timeout=LIFE + 10, check=None)
    assert closed["cause"] == "token_expired" and closed["by"] == "gateway"
    fetch(chat.port, target="/control/?refresh=on", host="localhost")
    seen = result(client, seconds)
    assert seen["closes"] and {one["code"] for one in seen["closes"]} <= {1012, 1006}
    assert seen["closes"][0] == {"code": 1012, "reason": "token_expired"}
    assert seen["open"] and seen["opens"] >= 2 and not seen["gaveUp"]
    assert_no_token_in(gateway.raw_lines, seen["tokens"])
    users = json.loads(fetch(chat.port, target="/control/", host="localhost").body)["sockets"]
    assert {one["user"] for one in users} == {"ann"}  # no stale token reached the application


def test_stale_token_in_the_address_connects_the_first_time_where_a_refresh_cookie_comes_with_it(start_gateway, chat):
    made = config(chat, jwt={"use": "login", "refresh": {"path": "/api/token/refresh/", "cookie": "refresh", "token": "access"}})
    wider = {"path": {"/api/token/": "/"}}  # Django limits the cookie to its own path
    for route in made["routes"]:
        route["cookies"] = wider
    gateway = start_gateway(made)
    login = fetch(gateway.port, "POST", "/api/login/?user=ann&life=-30", host="localhost", body=b"")
    stale = login.json()["access"]
    cookie, *attributes = login.header("set-cookie").split("; ")
    assert cookie == "refresh=refresh-of-ann" and "Path=/" in attributes
    target = f"/ws/chat/?token={stale}&threadId=7"
    with WebSocket(gateway.port, target, {"Origin": "http://localhost:1", "Cookie": cookie}, "localhost") as socket:
        socket.send("hello")
        assert json.loads(socket.receive()) == {"type": "message", "from": "ann", "text": "hello"}
    state = json.loads(fetch(chat.port, target="/control/", host="localhost").body)
    assert state["sockets"] == [{"user": "ann", "thread": "7"}] and state["refresh_calls"] == 1
    assert_no_token_in(gateway.raw_lines, [stale])
    without = WebSocket(gateway.port, target, {"Origin": "http://localhost:1"}, "localhost")
    assert without.receive().close_code == 4408  # the client comes back, with a fresh token
    assert len(json.loads(fetch(chat.port, target="/control/", host="localhost").body)["sockets"]) == 1


def test_another_user_renews_nothing(start_gateway, chat):
    gateway = start_gateway(config(chat))
    client = start_client(gateway.port, LIFE + 3, 3600)
    gateway.wait_for("tunnel_open")
    for _ in range(3):
        answer = fetch(gateway.port, "POST", "/api/token/refresh/", host=f"localhost:{gateway.port}",
                       headers=[("Cookie", "refresh=refresh-of-bob")])
        assert answer.status == 200
        time.sleep(LIFE / 4)
    closed = gateway.wait_for("tunnel_close", timeout=LIFE + 10, check=None)
    assert closed["cause"] == "token_expired"
    client.kill()
    client.communicate()
    assert not any("token_renewed" in line for line in gateway.raw_lines)
