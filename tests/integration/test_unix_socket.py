"""Endpoints on Unix sockets: requests, bodies and WebSockets through them, and what can be wrong with one."""

import hashlib
import os
import socket
import tempfile

import pytest

import backends
from configs import simple
from raw import Connection, fetch
from websocket_client import WebSocket


@pytest.fixture
def folder():
    """A short one: the system has room for 107 bytes of path only."""
    with tempfile.TemporaryDirectory(prefix="postern-") as made:
        yield made


@pytest.fixture
def on_socket(start_backend, folder):
    def start(script, name="app.sock"):
        path = os.path.join(folder, name)
        start_backend(backends.node, script, environment={"UNIX_SOCKET": path})
        return path
    return start


def test_requests_and_bodies_pass_through_a_unix_socket(start_gateway, on_socket):
    path = on_socket("node_http.mjs")
    gateway = start_gateway(simple(f"unix:{path}"))
    with Connection(gateway.port) as connection:
        response = connection.request("GET", "/echo", host="app.example")
        assert response.status == 200
        fields = {name.lower(): value for name, value in response.json()["headers"]}
        assert fields["host"] == "app.example" and fields["x-forwarded-for"] == "127.0.0.1"
        body = os.urandom(300_000)
        response = connection.request("POST", "/echo", body=body)
        assert response.json()["body_sha256"] == hashlib.sha256(body).hexdigest()
    line = gateway.exchange(response)
    assert line["endpoint"] == f"unix:{path}" and line["attempts"] == 1


def test_host_is_localhost_when_the_client_sent_none(start_gateway, on_socket):
    gateway = start_gateway(simple(f"unix:{on_socket('node_http.mjs')}"))
    with Connection(gateway.port) as connection:
        connection.send(b"GET /echo HTTP/1.0\r\n\r\n")
        response = connection.read_response()
    assert ["host", "localhost"] in [[name.lower(), value] for name, value in response.json()["headers"]]


def test_websocket_passes_through_a_unix_socket(start_gateway, on_socket):
    gateway = start_gateway(simple(f"unix:{on_socket('node_ws.mjs')}"))
    with WebSocket(gateway.port, "/echo") as websocket:
        for message in ("hello", "x" * 100_000):
            websocket.send(message)
            assert websocket.receive() == message
    assert gateway.wait_for("tunnel_close")["endpoint"].startswith("unix:")


def test_path_is_relative_to_the_configuration_file_and_may_stand_in_a_route(start_gateway, start_backend, folder):
    config = {"routes": [{"upstream": "unix:run/app.sock"}]}
    os.mkdir(os.path.join(folder, "run"))
    start_backend(backends.node, "node_http.mjs", environment={"UNIX_SOCKET": os.path.join(folder, "run", "app.sock")})
    start_gateway.new_directory, usual = lambda: folder, start_gateway.new_directory
    try:
        gateway = start_gateway(config)
    finally:
        start_gateway.new_directory = usual
    response = fetch(gateway.port, target="/echo")
    assert response.status == 200 and gateway.exchange(response)["endpoint"] == "unix:run/app.sock"
    gateway.stop()


def test_missing_and_stale_sockets_are_named(start_gateway, folder):
    missing, stale = os.path.join(folder, "missing.sock"), os.path.join(folder, "stale.sock")
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(stale)
    gateway = start_gateway({"routes": [{"match": {"path": "/missing"}, "upstream": f"unix:{missing}"},
                                        {"match": {"path": "/stale"}, "upstream": f"unix:{stale}"}]})
    for path, cause, words in (("/missing", "upstream_unreachable", f"{missing} does not exist"),
                               ("/stale", "upstream_refused", f"{stale} refused")):
        response = fetch(gateway.port, target=path)
        assert (response.status, response.json()["error"]) == (502, cause)
        assert words in gateway.exchange(response)["detail"]


def test_backend_that_comes_later_is_found(start_gateway, on_socket, folder):
    path = os.path.join(folder, "app.sock")
    gateway = start_gateway(simple(f"unix:{path}"))
    assert fetch(gateway.port, target="/echo").status == 502
    on_socket("node_http.mjs")
    assert fetch(gateway.port, target="/echo").status == 200
