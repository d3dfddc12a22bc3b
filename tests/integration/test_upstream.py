"""Endpoints that refuse, die, hide behind TLS, or listen on one of localhost's two addresses."""

import signal
import socket
import ssl

import pytest

import backends
from certificates import Authority
from configs import simple
from raw import Connection, Truncated, fetch
from scripted import answer_ok
from settings import patience
from websocket_client import WebSocket


@pytest.mark.parametrize("target", ["/die?n=1000&of=100000", "/die?n=1000"], ids=["length", "chunked"])
def test_endpoint_killed_in_mid_response_is_an_error_and_the_other_takes_over(start_gateway, start_backend, target):
    first, second = (start_backend(backends.node, "node_http.mjs", name) for name in ("first", "second"))
    gateway = start_gateway(simple(first, second, workers=1))
    mark = gateway.mark()
    with pytest.raises(Truncated) as caught:
        fetch(gateway.port, target=target)
    assert caught.value.response.status == 200 and len(caught.value.response.body) <= 1000
    line = gateway.wait_for("exchange", since=mark, target=target)
    assert (line["cause"], line["stage"], line["fault"]) == ("upstream_closed", "response_body", "upstream")
    dead, alive, name = (first, second, "second") if str(first.port) in line["endpoint"] else (second, first, "first")
    assert dead.process.wait(patience(10)) == -signal.SIGKILL and alive.process.poll() is None
    for _ in range(6):
        response = fetch(gateway.port, target="/whoami")
        assert response.status == 200 and response.json()["instance"] == name


def test_kill_from_outside_is_seen_the_same_way(start_gateway, start_backend):
    backend = start_backend(backends.node, "node_http.mjs", "only")
    gateway = start_gateway(simple(backend))
    mark = gateway.mark()
    with Connection(gateway.port) as connection:
        connection.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.read_head().status == 200
        connection.take_until(b": open\n\n")
        backend.kill()
        with pytest.raises(Truncated):
            connection.take_until(b"0\r\n\r\n")
    line = gateway.wait_for("stream_close", since=mark, target="/events")
    assert (line["cause"], line["stage"]) == ("upstream_closed", "response_body")
    response = fetch(gateway.port, target="/x")
    assert (response.status, response.json()["error"]) == (502, "upstream_refused")


def test_websocket_ends_when_its_endpoint_is_killed(start_gateway, start_backend):
    backend = start_backend(backends.node, "node_ws.mjs")
    gateway = start_gateway(simple(backend))
    mark = gateway.mark()
    with WebSocket(gateway.port, "/echo") as websocket:
        websocket.send("alive")
        assert websocket.receive() == "alive"
        backend.kill()
        websocket.connection.read_to_end()
    assert gateway.wait_for("tunnel_close", since=mark)["by"] == "upstream"


def test_refused_endpoint_is_502_and_names_the_address(start_gateway, endpoint):
    gone = endpoint()
    gone.stop()
    gateway = start_gateway(simple(gone))
    response = fetch(gateway.port, target="/x")
    assert (response.status, response.json()["error"]) == (502, "upstream_refused")
    line = gateway.exchange(response)
    assert line["fault"] == "upstream" and line["stage"] == "connect" and str(gone.port) in line["detail"]
    assert str(gone.port) in line["endpoint"]


def test_unresolved_name_is_502(start_gateway):
    gateway = start_gateway(simple("http://no-such-host.invalid:80"))
    response = fetch(gateway.port, target="/x")
    assert (response.status, response.json()["error"]) == (502, "upstream_unresolved")
    assert "no-such-host.invalid" in gateway.exchange(response)["detail"]


def test_endpoint_that_comes_back_is_used_again(start_gateway, endpoint):
    gone = endpoint()
    gone.stop()
    gateway = start_gateway(simple(gone))
    assert fetch(gateway.port, target="/x").status == 502
    endpoint(answer_ok, port=gone.port)
    assert fetch(gateway.port, target="/x").status == 200


# localhost

def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


LOOPBACKS = ["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"]  # where there is no IPv6 there is none to try


@pytest.mark.parametrize("host", LOOPBACKS)
def test_localhost_is_tried_on_both_addresses(start_gateway, endpoint, host):
    upstream = endpoint(answer_ok, host=host)
    gateway = start_gateway(simple(f"http://localhost:{upstream.port}"))
    for _ in range(5):
        assert fetch(gateway.port, target="/x").body == b"/x"


@pytest.mark.parametrize("host", LOOPBACKS)
def test_listener_serves_on_either_loopback(start_gateway, node_http, host):
    gateway = start_gateway(simple(node_http, listeners=[{"address": f"[{host}]:0" if ":" in host else f"{host}:0"}]))
    with Connection(gateway.port, host=host) as connection:
        response = connection.request("GET", "/echo")
    assert ["x-forwarded-for", host] in [[name.lower(), value] for name, value in response.json()["headers"]]


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_scheme_of_a_websocket_is_another_spelling(start_gateway, node_ws, scheme):
    gateway = start_gateway(simple(f"{scheme}://127.0.0.1:{node_ws.port}"))
    assert fetch(gateway.port, target="/x").body == b"plain /x"
    with WebSocket(gateway.port, "/echo") as websocket:
        websocket.send("hello")
        assert websocket.receive() == "hello"


# https

def server_context(leaf):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    return context


@pytest.fixture
def secure(endpoint, authority):
    return endpoint(answer_ok, tls=server_context(authority.issue("endpoint", ["localhost", "127.0.0.1"])))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_https_endpoint_is_verified_with_its_ca(start_gateway, secure, authority, host, scheme):
    gateway = start_gateway(simple(f"{scheme}://{host}:{secure.port}", upstream_options={"ca": authority.path}))
    for _ in range(3):
        assert fetch(gateway.port, target="/x").body == b"/x"


def assert_tls_refused(gateway, *words):
    response = fetch(gateway.port, target="/x")
    assert (response.status, response.json()["error"]) == (502, "upstream_tls_failed")
    line = gateway.exchange(response)
    assert line["stage"] == "upstream_tls" and any(word in line["detail"].lower() for word in words), line["detail"]


def test_https_endpoint_of_an_unknown_authority_is_502(start_gateway, secure):
    assert_tls_refused(start_gateway(simple(f"https://localhost:{secure.port}")), "certificate", "verify", "issuer")


def test_https_endpoint_of_another_authority_is_502(start_gateway, secure, tmp_path):
    other = Authority(tmp_path, "Other CA")
    gateway = start_gateway(simple(f"https://localhost:{secure.port}", upstream_options={"ca": other.path}))
    assert_tls_refused(gateway, "certificate", "verify", "issuer")


def test_https_endpoint_with_another_name_is_502_unless_told_so(start_gateway, endpoint, authority):
    upstream = endpoint(answer_ok, tls=server_context(authority.issue("named", ["api.internal"])))
    url = f"https://127.0.0.1:{upstream.port}"
    assert_tls_refused(start_gateway(simple(url, upstream_options={"ca": authority.path})), "mismatch", "name", "address")
    gateway = start_gateway(simple(url, upstream_options={"ca": authority.path, "server_name": "api.internal"}))
    assert fetch(gateway.port, target="/x").body == b"/x"


def test_insecure_endpoint_is_taken_with_a_warning(start_gateway, secure):
    gateway = start_gateway(simple(f"https://localhost:{secure.port}", upstream_options={"insecure": True}))
    assert fetch(gateway.port, target="/x").body == b"/x"
    assert any("insecure" in line for line in gateway.raw_lines + gateway.errors)


def test_plain_endpoint_where_tls_was_expected_is_502(start_gateway, node_http, authority):
    gateway = start_gateway(simple(f"https://localhost:{node_http.port}", upstream_options={"ca": authority.path}))
    assert_tls_refused(gateway, "wrong version", "tls", "ssl", "packet", "http")


def test_https_answer_cut_without_close_notify_is_truncated(start_gateway, endpoint, authority):
    def script(peer):
        if peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of the answer")
            raw = peer.socket
            socket.socket(fileno=raw.detach()).close()  # a FIN without the TLS goodbye

    upstream = endpoint(script, tls=server_context(authority.issue("cutter", ["localhost"])))
    gateway = start_gateway(simple(f"https://localhost:{upstream.port}", upstream_options={"ca": authority.path, "retries": 0}))
    mark = gateway.mark()
    with pytest.raises(Truncated):
        fetch(gateway.port, target="/x")
    assert gateway.wait_for("exchange", since=mark)["cause"] == "upstream_closed"


def test_bodies_pass_to_and_from_an_https_endpoint(start_gateway, start_backend, site, authority):
    backend = start_backend(backends.node, "node_http.mjs", "secure", site.certificate, site.key)
    gateway = start_gateway(simple(f"https://localhost:{backend.port}", upstream_options={"ca": authority.path}))
    answer = fetch(gateway.port, "POST", "/echo", body=b"x" * 300_000).json()
    assert answer["body_bytes"] == 300_000
    assert len(fetch(gateway.port, target="/bytes?n=2000000").body) == 2_000_000
