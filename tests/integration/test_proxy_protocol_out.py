"""PROXY protocol towards endpoints: every connection names its client first, and belongs to it alone."""

import socket
import ssl
import struct
import threading

import pytest

import backends
from configs import simple
from raw import Connection, fetch
from settings import patience
from test_proxy_protocol import SIGNATURE, V1, V1_SIX
from websocket_client import WebSocket


def after_header(script):
    """A script for an endpoint that takes a header off every connection, and remembers it."""

    def run(peer):
        while len(peer.buffer) < 16 and peer.fill():
            pass
        if peer.buffer.startswith(SIGNATURE):
            size = 16 + struct.unpack("!H", peer.buffer[14:16])[0]
            header = peer.read(size)
        else:
            header = peer.read_line() + b"\r\n"
        peer.endpoint.headers.append(header)
        script(peer)
    return run


def answer(peer):
    while peer.read_request() is not None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def proxied(endpoint):
    def start(script=answer, **options):
        made = endpoint(after_header(script), **options)
        made.headers = []
        return made
    return start


def test_v1_header_names_client_and_listener(start_gateway, proxied):
    server = proxied()
    gateway = start_gateway(simple(server, upstream_options={"proxy_protocol": "v1"}))
    with Connection(gateway.port) as connection:
        assert connection.request("GET", "/").body == b"ok"
        client = connection.socket.getsockname()[1]
    assert server.headers == [b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (client, gateway.port)]


def test_v2_header_names_client_and_listener(start_gateway, proxied):
    server = proxied()
    gateway = start_gateway(simple(server, upstream_options={"proxy_protocol": "v2"}))
    with Connection(gateway.port) as connection:
        assert connection.request("GET", "/").body == b"ok"
        client = connection.socket.getsockname()[1]
    loopback = bytes([127, 0, 0, 1])
    assert server.headers == [SIGNATURE + b"\x21\x11\0\x0c" + loopback * 2 + struct.pack("!HH", client, gateway.port)]


def test_listener_on_every_address_names_the_one_that_was_connected_to(start_gateway, proxied):
    server = proxied()
    gateway = start_gateway(simple(server, upstream_options={"proxy_protocol": "v1"}, listeners=[{"address": ":0"}]))
    with Connection(gateway.port, host="127.0.0.5") as connection:
        assert connection.request("GET", "/").body == b"ok"
    assert server.headers[0].startswith(b"PROXY TCP4 127.0.0.1 127.0.0.5 ")


def test_no_connection_carries_two_requests(start_gateway, proxied):
    server = proxied()
    gateway = start_gateway(simple(server, upstream_options={"proxy_protocol": "v1"}, workers=1))
    with Connection(gateway.port) as first, Connection(gateway.port) as second:
        for connection in (first, second, first, second):
            assert connection.request("GET", "/").body == b"ok"
        ports = [str(connection.socket.getsockname()[1]).encode() for connection in (first, second, first, second)]
    assert [header.split()[4] for header in server.headers] == ports
    assert len(server.peers) == 4


def test_client_that_came_by_header_goes_on_by_header(start_gateway, proxied):
    server = proxied()
    gateway = start_gateway(simple(server, upstream_options={"proxy_protocol": "v1"},
                                   listeners=[{"address": "127.0.0.1:0", "proxy_protocol": {"trust": ["127.0.0.1"]}}]))
    for header in (V1, V1_SIX):
        with Connection(gateway.port) as connection:
            connection.send(header)
            assert connection.request("GET", "/").body == b"ok"
    assert server.headers == [V1, V1_SIX]


def test_address_from_a_trusted_proxy_has_no_port(start_gateway, proxied):
    server = proxied()
    gateway = start_gateway(simple(server, upstream_options={"proxy_protocol": "v1"}, trusted_proxies=["127.0.0.1"]))
    with Connection(gateway.port) as connection:
        connection.request("GET", "/", [("X-Forwarded-For", "203.0.113.9")])
    assert server.headers[0].startswith(b"PROXY TCP4 203.0.113.9 127.0.0.1 0 ")


def test_header_comes_before_tls(start_gateway, authority):
    leaf = authority.issue("endpoint", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.as_config()["certificate"], leaf.as_config()["key"])
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(patience(20))

        def serve():
            plain, _ = listener.accept()
            plain.settimeout(patience(20))
            header = b""
            while not header.endswith(b"\r\n"):
                header += plain.recv(1)
            seen.append(header)
            with context.wrap_socket(plain, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsecured")
                secured.recv(1)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        gateway = start_gateway(simple(f"https://127.0.0.1:{listener.getsockname()[1]}",
                                       upstream_options={"proxy_protocol": "v1", "ca": authority.path}))
        assert fetch(gateway.port, target="/").body == b"secured"
        thread.join(patience(20))
    assert seen[0].startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")


def test_websocket_begins_with_a_header(start_gateway, proxied):
    def script(peer):
        from websocket_client import accept_for
        head = peer.read_head().decode("latin-1")
        key = [line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:")]
        peer.send(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Accept: {accept_for(key[0])}\r\n\r\n").encode() + b"\x81\x02hi")
        while peer.fill():
            pass
    server = proxied(script)
    gateway = start_gateway(simple(server, upstream_options={"proxy_protocol": "v2"}))
    with WebSocket(gateway.port, "/") as websocket:
        assert websocket.receive() == "hi"
    assert server.headers[0].startswith(SIGNATURE + b"\x21\x11")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nginx_reads_our_headers(start_gateway, tmp_path, version):
    block = '    location / { return 200 "$proxy_protocol_addr $proxy_protocol_server_port"; }'
    with backends.Nginx(tmp_path, block, listen_options="proxy_protocol") as nginx:
        gateway = start_gateway(simple(f"http://127.0.0.1:{nginx.port}", upstream_options={"proxy_protocol": version}))
        response = fetch(gateway.port, target="/")
        assert (response.status, response.body) == (200, f"127.0.0.1 {gateway.port}".encode())


def test_reload_to_a_header_uses_no_connection_of_before(start_gateway, proxied, endpoint):
    seen = []

    def either(peer):
        peer.fill()
        seen.append(bytes(peer.buffer[:6]))
        if peer.buffer.startswith(b"PROXY "):
            peer.read_line()
        answer(peer)
    server = endpoint(either)
    gateway = start_gateway(simple(server, workers=1))
    assert fetch(gateway.port, target="/").body == b"ok"
    gateway.reload(simple(server, workers=1, upstream_options={"proxy_protocol": "v1"}))
    assert fetch(gateway.port, target="/").body == b"ok"
    assert seen == [b"GET / ", b"PROXY "]
