"""FastAPI under uvicorn, Django Channels under daphne, Vite's hot-module socket, and nginx in front of it all."""

import hashlib
import json
import os
import re
import subprocess

import pytest

import backends
from configs import plain_listener, simple, tls_listener
from raw import fetch
from settings import patience, program
from websocket_client import Frame, WebSocket, refused


# FastAPI

@pytest.fixture(scope="module")
def fastapi(start_shared_gateway, fastapi_backend, site):
    return start_shared_gateway(simple(fastapi_backend, listeners=[plain_listener(), tls_listener(site)]))


def test_curl_reads_fastapi_over_tls(fastapi, curl, authority):
    done = subprocess.run([curl, "--silent", "--show-error", "--fail", "--cacert", authority.path,
                           f"https://localhost:{fastapi.tls_port}/api/health/bot"],
                          capture_output=True, check=True, timeout=patience(20))
    seen = json.loads(done.stdout)
    assert seen["service"] == "bot"
    # uvicorn believes its proxy on loopback, so the application sees the client's scheme.
    assert seen["scheme"] == "https" and seen["headers"]["x-forwarded-for"] == "127.0.0.1"


def test_fastapi_receives_an_upload_and_streams_an_answer(fastapi):
    body = os.urandom(3_000_000)
    seen = fetch(fastapi.port, "POST", "/api/upload", body=body).json()
    assert seen == {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    lines = fetch(fastapi.port, target="/api/stream?count=5000")
    assert lines.framing == "chunked" and lines.body.count(b"\n") == 5000
    assert fetch(fastapi.port, target="/api/text").body.decode() == "grüße"


def test_fastapi_error_passes_as_it_is(fastapi):
    response = fetch(fastapi.port, target="/api/fails")
    assert response.status == 500 and response.body == b"Internal Server Error"


def test_fastapi_redirect_keeps_the_clients_address(fastapi):
    response = fetch(fastapi.port, target="/api/moved", host=f"localhost:{fastapi.port}")
    assert response.header("location") == f"http://localhost:{fastapi.port}/api/health/moved"


def test_fastapi_websocket_echoes_over_tls(fastapi, trust):
    with WebSocket(fastapi.tls_port, "/ws", {"Sec-WebSocket-Protocol": "chat"}, tls=trust) as socket:
        assert socket.protocol == "chat"
        for data in ("text é", b"\x00\xff" * 10, "x" * 100_000, os.urandom(1_000_000)):
            socket.send(data)
            assert socket.receive() == data
        assert socket.close(1000, "bye").close_code == 1000


def test_fastapi_refusal_and_close_code_pass(fastapi):
    assert refused(fastapi.port, "/ws/denied").status == 403
    assert refused(fastapi.port, "/ws/unknown").status == 403
    with WebSocket(fastapi.port, "/ws/kicked") as socket:
        last = socket.receive()
        assert isinstance(last, Frame) and (last.close_code, last.close_reason) == (4401, "token expired")


# Django Channels

@pytest.fixture(scope="module")
def channels(start_shared_gateway, django_backend, site):
    return start_shared_gateway(simple(django_backend, listeners=[plain_listener(), tls_listener(site)]))


def test_django_sees_host_query_cookies_and_body(channels, trust):
    response = fetch(channels.tls_port, "POST", "/api/token/refresh/?a=1", {"Cookie": "refresh=r0"}, b"x" * 70_000,
                     host="app.example.test", tls=trust)
    seen = response.json()
    assert seen["path"] == "/api/token/refresh/" and seen["query"] == {"a": "1"} and seen["size"] == 70_000
    assert seen["host"] == "app.example.test" and seen["cookies"] == {"refresh": "r0"} and seen["forwarded"] == "127.0.0.1"
    assert response.header("set-cookie") == "refresh=r1; HttpOnly; Path=/api/token/; SameSite=Lax"


def test_channels_consumer_echoes_over_tls(channels, trust):
    headers = {"Origin": "https://app.example.test", "Sec-WebSocket-Protocol": "chat"}
    with WebSocket(channels.tls_port, "/ws/chat/", headers, "app.example.test", tls=trust) as socket:
        assert socket.protocol == "chat"
        for data in ("hello", b"bytes", "y" * 200_000):
            socket.send(data)
            assert socket.receive() == data
        socket.send("close 4401")
        assert socket.receive().close_code == 4401


def test_channels_refusals_pass(channels):
    assert refused(channels.port, "/ws/chat/").status == 403
    for target, origin in (("/ws/chat/", "https://elsewhere.test"), ("/ws/denied/", "https://app.example.test")):
        assert refused(channels.port, target, {"Origin": origin}).status == 403


# Vite

def test_hot_module_socket_connects_over_tls(start_gateway, vite, site, trust):
    gateway = start_gateway(simple(vite, listeners=[tls_listener(site)]))
    host = f"localhost:{gateway.tls_port}"
    assert b"/@vite/client" in fetch(gateway.tls_port, target="/", host=host, headers={"Accept": "text/html"}, tls=trust).body
    client = fetch(gateway.tls_port, target="/@vite/client", host=host, tls=trust)
    token = re.search(rb'wsToken = "([^"]+)"', client.body).group(1).decode()
    headers = {"Sec-WebSocket-Protocol": "vite-hmr", "Origin": f"https://{host}"}
    with WebSocket(gateway.tls_port, f"/?token={token}", headers, host, tls=trust) as socket:
        assert socket.protocol == "vite-hmr" and json.loads(socket.receive()) == {"type": "connected"}
    assert not any(token in line for line in gateway.raw_lines), "the token stands in the log"


@pytest.mark.browser
def test_page_of_vite_connects_its_hot_module_socket_in_a_browser(start_gateway, vite, site, chromium):
    gateway = start_gateway(simple(vite, listeners=[tls_listener(site)]))
    mark = gateway.mark()
    result = backends.run_node("chromium_page.mjs", json.dumps({
        "executable": chromium, "page": f"https://localhost:{gateway.tls_port}/", "waitForConsole": "[vite] connected."}))
    texts = [message["text"] for message in result["console"]]
    assert "[vite] connected." in texts and not [text for text in texts if "failed" in text or "fallback" in text]
    assert gateway.wait_for("tunnel_open", since=mark)["route"] == "all"


# nginx in front

def test_nginx_in_front_is_believed_and_websockets_pass_both(start_gateway, node_http, node_ws, tmp_path):
    if program("nginx") is None:
        pytest.fail("nginx is not installed: scripts/install-dependencies test browser")
    gateway = start_gateway({
        "trusted_proxies": ["127.0.0.0/8"],
        "upstreams": {"http": {"endpoints": [node_http.url]}, "ws": {"endpoints": [node_ws.url]}},
        "routes": [{"name": "http", "upstream": "http"}, {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws"}]})
    block = f"""
    location / {{
      proxy_pass http://127.0.0.1:{gateway.port};
      proxy_http_version 1.1;
      proxy_set_header Host app.example.test;
      proxy_set_header X-Forwarded-For "203.0.113.7, $remote_addr";
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host app.example.test;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
    }}"""
    with backends.Nginx(tmp_path, block) as nginx:
        response = fetch(nginx.port, target="/echo")
        sent = {name.lower(): value for name, value in response.json()["headers"]}
        assert sent["x-forwarded-for"] == "203.0.113.7, 127.0.0.1, 127.0.0.1"
        assert sent["x-forwarded-proto"] == "https" and sent["x-forwarded-host"] == "app.example.test"
        assert gateway.exchange(response)["client"].startswith("203.0.113.7")
        with WebSocket(nginx.port, "/ws/echo") as socket:
            for data in ("through two proxies", os.urandom(300_000)):
                socket.send(data)
                assert socket.receive() == data
            assert socket.close().close_code == 1000
