"""PROXY protocol on listeners: who may name the client, what a header changes, and what a bad one costs."""

import shutil
import socket
import ssl
import struct
import subprocess

import pytest

from configs import example, simple, tls_listener
from raw import Connection, Truncated, fetch
from settings import patience

V1 = b"PROXY TCP4 192.0.2.77 198.51.100.1 40000 443\r\n"
V1_SIX = b"PROXY TCP6 2001:db8::77 2001:db8::1 40000 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V2 = SIGNATURE + b"\x21\x11" + struct.pack("!H", 12 + 6) + bytes([192, 0, 2, 77, 198, 51, 100, 1]) + \
    struct.pack("!HH", 40000, 443) + b"\x04\0\x03abc"
V2_LOCAL = SIGNATURE + b"\x20\x00\0\0"
REQUEST = b"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"


def listener(trust=("127.0.0.1",), **more):
    return {"address": "127.0.0.1:0", "proxy_protocol": {"trust": list(trust), **more}}


def echoed(response):
    return {name.lower(): value for name, value in response.json()["headers"]}


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http):
    return start_shared_gateway(simple(node_http, listeners=[listener(), listener(["10.0.0.0/8"])]))


@pytest.mark.parametrize("header, client", [(V1, "192.0.2.77"), (V1_SIX, "2001:db8::77"), (V2, "192.0.2.77"),
                                            (V2_LOCAL, "127.0.0.1"), (b"PROXY UNKNOWN\r\n", "127.0.0.1")],
                         ids=["v1", "v1-ipv6", "v2", "v2-local", "v1-unknown"])
def test_header_names_the_client_of_every_request_on_the_connection(gateway, header, client):
    with Connection(gateway.port) as connection:
        connection.send(header + REQUEST + REQUEST)
        for _ in range(2):
            response = connection.read_response()
            assert response.status == 200 and echoed(response)["x-forwarded-for"] == client
            assert gateway.exchange(response)["client"] == client


def test_header_in_small_pieces_with_the_request_behind_it(gateway):
    with Connection(gateway.port) as connection:
        data = V2 + REQUEST
        for at in range(0, len(data), 3):
            connection.send(data[at:at + 3])
        assert echoed(connection.read_response())["x-forwarded-for"] == "192.0.2.77"


def test_client_cannot_forge_its_address_through_the_balancer(gateway):
    with Connection(gateway.port) as connection:
        connection.send(V1)
        response = connection.request("GET", "/echo", [("X-Forwarded-For", "203.0.113.1")])
        assert echoed(response)["x-forwarded-for"] == "192.0.2.77"
        assert echoed(response)["x-forwarded-port"] == "443"


@pytest.mark.parametrize("sent, detail", [
    (REQUEST, "begins with no PROXY protocol header; first bytes: G"),
    (b"PROXY TCP4 192.0.2.300 10.0.0.1 1 2\r\n" + REQUEST, "two addresses"),
    (b"PROXY UNKNOWN " + b"x" * 200, "longer than 107 bytes"),
    (SIGNATURE + b"\x21\x11\xff\xff", "longer than 4096 bytes"),
    (SIGNATURE + b"\x31\x11\0\x0c", "version or command"),
    (b"\x16\x03\x01\x02\0", "first bytes: \\x16"),
], ids=["none", "address", "v1-long", "v2-long", "v2-version", "tls"])
def test_connection_without_a_good_header_is_closed_unanswered(gateway, sent, detail):
    mark = gateway.mark()
    with Connection(gateway.port) as connection:
        connection.send(sent)
        connection.read_to_end()
        assert not connection.buffer
    line = gateway.wait_for("proxy_header_refused", since=mark)
    assert (line["cause"], line["client"], line["fault"]) == ("proxy_header_invalid", "127.0.0.1", "client")
    assert detail in line["detail"] and line["level"] == "warn" and line["remedy"]


def test_slow_header_has_until_the_time_limit(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, listeners=[listener(timeout="200ms")]))
    with Connection(gateway.port) as connection:
        connection.send(V1[:10])
        connection.read_to_end()
    assert "not complete" in gateway.wait_for("proxy_header_refused")["detail"]


def test_balancer_that_only_looks_in_leaves_no_line(gateway):
    mark = gateway.mark()
    for _ in range(3):
        with Connection(gateway.port) as connection:
            connection.finish()
            connection.read_to_end()
    with Connection(gateway.port) as connection:
        connection.send(V1 + REQUEST)
        assert connection.read_response().status == 200
    assert not gateway.find("proxy_header_refused", since=mark)


def test_from_an_address_off_the_list_no_header_is_believed(gateway):
    port = gateway.port_of(index=1)
    response = fetch(port, target="/echo")
    assert echoed(response)["x-forwarded-for"] == "127.0.0.1"
    for header in (V1, V2):
        with Connection(port) as connection:
            connection.send(header + REQUEST)
            response = connection.read_response()
        assert response.status == 400
        line = gateway.exchange(response)
        assert (line["cause"], line["client"]) == ("bad_request", "127.0.0.1")
        assert "PROXY protocol header" in line["detail"]


def test_reload_changes_who_is_trusted(start_gateway, node_http):
    config = simple(node_http, listeners=[{"address": "127.0.0.1:0"}])
    gateway = start_gateway(config)
    port = gateway.port
    assert fetch(port, target="/echo").status == 200
    gateway.reload(simple(node_http, listeners=[listener()]))
    with Connection(port) as connection:
        connection.send(V1 + REQUEST)
        assert echoed(connection.read_response())["x-forwarded-for"] == "192.0.2.77"


def test_example_behind_a_balancer_serves_tls_behind_the_header(start_gateway, node_http, site, trust, tmp_path):
    shutil.copy(site.as_config()["certificate"], tmp_path / "site.pem")
    shutil.copy(site.as_config()["key"], tmp_path / "site.key")
    gateway = start_gateway(example("behind_tcp_balancer.yaml", {}), environment={"POSTERN_ADDRESS": "127.0.0.1:0", "POSTERN_BALANCER": "127.0.0.1",
                                               "POSTERN_TLS": str(tmp_path), "POSTERN_APP": node_http.url})
    for header in (V1, V2):
        mark = gateway.mark()
        plain = socket.create_connection(("127.0.0.1", gateway.tls_port), patience(10))
        plain.sendall(header)
        with trust.wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = b""
            while data := secured.recv(65536):
                answer += data
        assert answer.startswith(b"HTTP/1.1 200 ") and b"192.0.2.77" in answer
        gateway.wait_for("exchange", since=mark, client="192.0.2.77", tls=True)
    with pytest.raises((Truncated, ssl.SSLError, OSError)):
        Connection(gateway.tls_port, trust).request("GET", "/echo")
    assert gateway.wait_for("proxy_header_refused")["client"] == "127.0.0.1"


def test_header_on_a_tls_port_from_an_address_off_the_list(start_gateway, node_http, site):
    gateway = start_gateway(simple(node_http, listeners=[tls_listener(site)]))
    for header in (V1, V2):
        mark = gateway.mark()
        with Connection(gateway.tls_port) as connection:
            connection.send(header)
            connection.read_to_end()
        assert "PROXY protocol header" in gateway.wait_for("tls_handshake_failed", since=mark)["detail"]


def test_curl_sends_a_header_that_is_read(gateway, curl):
    done = subprocess.run([curl, "-sS", "--haproxy-protocol", f"http://127.0.0.1:{gateway.port}/echo"],
                          capture_output=True, text=True, timeout=patience(20), check=True)
    assert '"x-forwarded-for","127.0.0.1"' in done.stdout.lower().replace(" ", "")
