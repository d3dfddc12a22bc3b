"""TLS on the client's side: certificates by name and kind, versions, resumption, and the two wrong ports."""

import queue
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography import x509

from configs import plain_listener, simple, tls_listener
from raw import Connection, client_context, fetch
from settings import patience, program
from websocket_client import WebSocket


@pytest.fixture(scope="module")
def leaves(authority):
    return {"rsa": authority.issue("first-rsa", ["first.example.test"], "rsa"),
            "ecdsa": authority.issue("first-ecdsa", ["first.example.test"], "ecdsa"),
            "second": authority.issue("second", ["second.example.test", "*.wild.example.test"], "ecdsa")}


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, node_ws, leaves):
    config = simple(node_http, listeners=[tls_listener(leaves["rsa"], leaves["ecdsa"], leaves["second"]), plain_listener()])
    config["upstreams"]["ws"] = {"endpoints": [node_ws.url]}
    config["routes"].append({"name": "ws", "match": {"path": "/ws"}, "upstream": "ws"})
    return start_shared_gateway(config)


class Endpoint:
    """A TLS server on loopback that remembers what each handshake ended with."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(patience(20))
        self.port = self.listener.getsockname()[1]
        self.outcomes = queue.Queue()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    with self.context.wrap_socket(connection, server_side=True) as tls:
                        tls.recv(1)
                        self.outcomes.put("handshake done")
                except (ssl.SSLError, OSError) as failure:
                    self.outcomes.put(str(failure))

    def said(self):
        return self.outcomes.get(timeout=patience(20))


@pytest.fixture
def untrusted_endpoint(authority):
    """Its certificate is of the authority that is trusted, and names localhost by its common name alone."""
    leaf = authority.issue_by_common_name("by-common-name", "localhost")
    endpoint = Endpoint(leaf.certificate, leaf.key)
    yield endpoint
    endpoint.listener.close()


def serial_of(connection):
    return int(connection.socket.getpeercert()["serialNumber"], 16)


@pytest.mark.parametrize("name, leaf", [("first.example.test", "ecdsa"), ("second.example.test", "second"),
                                        ("a.wild.example.test", "second")])
def test_certificate_is_chosen_by_name(gateway, leaves, trust, name, leaf):
    with Connection(gateway.tls_port, trust, name) as connection:
        assert serial_of(connection) in {leaves[leaf].serial} | ({leaves["rsa"].serial} if leaf == "ecdsa" else set())
        assert connection.request("GET", "/echo", host=name).status == 200


@pytest.mark.parametrize("ciphers, leaf", [("ECDHE-RSA-AES128-GCM-SHA256", "rsa"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa")])
def test_certificate_is_of_the_kind_the_client_can_use(gateway, leaves, authority, ciphers, leaf):
    context = client_context(authority.path, maximum=ssl.TLSVersion.TLSv1_2, ciphers=ciphers)
    with Connection(gateway.tls_port, context, "first.example.test") as connection:
        assert serial_of(connection) == leaves[leaf].serial and connection.socket.cipher()[0] == ciphers


@pytest.mark.parametrize("name", [None, "unknown.example.test"])
def test_unknown_name_gets_the_first_certificate(gateway, leaves, name):
    context = client_context(verify=False)
    with Connection(gateway.tls_port, context, name) as connection:
        der = connection.socket.getpeercert(binary_form=True)
        names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["first.example.test"]


@pytest.mark.parametrize("version, text", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_both_versions_are_spoken(gateway, authority, version, text):
    context = client_context(authority.path, minimum=version, maximum=version)
    with Connection(gateway.tls_port, context, "second.example.test") as connection:
        assert connection.socket.version() == text
        assert connection.request("GET", "/bytes?n=100000").status == 200


def test_older_versions_are_refused(gateway, authority):
    context = client_context(authority.path, ciphers="ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Connection(gateway.tls_port, context, "second.example.test")


def test_min_version_is_kept_and_the_refusal_logged(start_gateway, node_http, leaves, authority):
    gateway = start_gateway(simple(node_http, listeners=[tls_listener(leaves["second"], min_version="1.3")]))
    with Connection(gateway.tls_port, client_context(authority.path), "second.example.test") as connection:
        assert connection.socket.version() == "TLSv1.3"
    mark = gateway.mark()
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Connection(gateway.tls_port, client_context(authority.path, maximum=ssl.TLSVersion.TLSv1_2), "second.example.test")
    assert gateway.wait_for(since=mark, cause="tls_handshake_failed")["stage"] == "tls_handshake"


def test_alpn_offers_http_1_1(gateway, authority):
    context = client_context(authority.path)
    context.set_alpn_protocols(["http/1.1"])
    with Connection(gateway.tls_port, context, "second.example.test") as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_session_resumes_on_any_worker(gateway, authority, version):
    context = client_context(authority.path, minimum=version, maximum=version)
    with Connection(gateway.tls_port, context, "second.example.test") as connection:
        assert connection.request("GET", "/echo").status == 200  # TLS 1.3 tickets come with the first bytes
        session = connection.socket.session
    assert session.has_ticket
    resumed = []
    for _ in range(24):
        with Connection(gateway.tls_port, context, "second.example.test", session=session) as connection:
            assert connection.request("GET", "/echo").status == 200
            resumed.append(connection.socket.session_reused)
            session = connection.socket.session
    assert all(resumed), f"{resumed.count(False)} of {len(resumed)} were full handshakes"


def test_session_of_one_name_is_not_another_names(gateway, authority):
    context = client_context(authority.path, maximum=ssl.TLSVersion.TLSv1_2)
    with Connection(gateway.tls_port, context, "second.example.test") as connection:
        assert connection.request("GET", "/echo").status == 200
        session = connection.socket.session
    with Connection(gateway.tls_port, context, "first.example.test", session=session) as connection:
        assert connection.request("GET", "/echo", host="first.example.test").status == 200


def test_plain_http_on_the_tls_port_is_a_clear_400(gateway):
    mark = gateway.mark()
    response = fetch(gateway.tls_port, target="/echo")
    assert (response.status, response.json()["error"]) == (400, "tls_expected")
    assert gateway.wait_for(since=mark, cause="tls_expected")["fault"] == "client"


def test_tls_on_the_plain_port_is_recognised_and_named(gateway, authority):
    mark = gateway.mark()
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Connection(gateway.port, client_context(authority.path), "second.example.test")
    assert gateway.wait_for(since=mark, cause="tls_unexpected")["fault"] == "client"


def test_client_that_does_not_trust_us_is_logged(gateway):
    mark = gateway.mark()
    with pytest.raises(ssl.SSLError):
        Connection(gateway.tls_port, client_context(), "second.example.test")
    gateway.wait_for(since=mark, cause="tls_handshake_failed")


def test_handshake_that_stalls_is_cut(start_gateway, node_http, leaves):
    gateway = start_gateway(simple(node_http, listeners=[tls_listener(leaves["second"])],
                                   limits={"tls_handshake_timeout": "300ms"}))
    with Connection(gateway.tls_port, timeout=10) as silent, Connection(gateway.tls_port, timeout=10) as halfway:
        halfway.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        silent.read_to_end()
        halfway.read_to_end()


def test_garbage_instead_of_a_handshake_is_closed(gateway):
    with Connection(gateway.tls_port, timeout=10) as connection:
        connection.send(b"\x16\x03\x01\x00\x05hello" + bytes(200))
        connection.read_to_end()
    with Connection(gateway.tls_port, client_context(verify=False), timeout=10) as connection:
        assert connection.request("GET", "/echo").status == 200


def test_orderly_end_sends_close_notify(gateway, trust):
    with Connection(gateway.tls_port, trust, "second.example.test") as connection:
        assert connection.request("GET", "/echo", {"Connection": "close"}).status == 200
        assert not connection.fill()  # would raise Truncated without close_notify


def test_openssl_client_sees_a_sane_offer(gateway, authority):
    openssl = program("openssl")
    if openssl is None:
        pytest.fail("openssl is not installed: scripts/install-dependencies test browser")
    for extra, accepted in ((["-groups", "X25519"], True), (["-cipher", "RC4-SHA:DES-CBC3-SHA:NULL-SHA", "-tls1_2"], False)):
        done = subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{gateway.tls_port}", "-servername",
                               "second.example.test", "-CAfile", authority.path, "-verify_return_error", *extra],
                              input=b"", capture_output=True, check=False, timeout=patience(20))
        assert (b"Verify return code: 0 (ok)" in done.stdout and done.returncode == 0) == accepted


def refused_by_s_client(port, *extra):
    """What OpenSSL's client says of a handshake that the gateway refuses, and how long the connection took to end."""
    openssl = program("openssl")
    if openssl is None:
        pytest.fail("openssl is not installed: scripts/install-dependencies test browser")
    done = subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "second.example.test", *extra],
                          input=b"", capture_output=True, check=False, timeout=patience(20))
    assert done.returncode != 0
    return done.stderr.decode()


@pytest.mark.parametrize("extra, alert, detail", [
    (["-alpn", "h2"], 120, "the client offers by ALPN only what is not spoken here (h2); this listener speaks http/1.1"),
    (["-alpn", "h2,http/1.0", "-tls1_2"], 120,
     "the client offers by ALPN only what is not spoken here (h2, http/1.0); this listener speaks http/1.1"),
    (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], 70,
     "the client offers no newer version than TLS 1.1; this listener takes TLS 1.2 and newer"),
    (["-tls1_2", "-cipher", "AES128-SHA"], 40,
     "the client offers no cipher that this listener and its certificate take; it offers AES128-SHA"),
])
def test_a_refused_client_is_told_by_an_alert_and_the_log_why(gateway, extra, alert, detail):
    for _ in range(5):  # an alert that is lost is lost now and then
        mark = gateway.mark()
        words = refused_by_s_client(gateway.tls_port, *extra)
        assert f"SSL alert number {alert}" in words, words
        assert gateway.wait_for("tls_handshake_failed", since=mark, detail=detail)["cause"] == "tls_handshake_failed"


def test_a_refused_client_sees_an_orderly_end(gateway):
    """No reset, which could overtake the alert: the gateway's end, and its connection goes when the client's does."""
    hello = ssl.MemoryBIO()
    context = client_context(verify=False)
    context.set_alpn_protocols(["h2"])
    tls = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="second.example.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with socket.create_connection(("127.0.0.1", gateway.tls_port), patience(20)) as plain:
        plain.sendall(hello.read())
        heard = b""
        while data := plain.recv(4096):
            heard += data
        assert heard[:1] == b"\x15" and heard[-2:] == b"\x02\x78"  # fatal, no_application_protocol
        plain.sendall(b"x" * 1000)  # still taken, and forgotten


def test_an_endpoint_that_is_not_believed_is_told_so(start_gateway, authority, untrusted_endpoint):
    gateway = start_gateway({
        "listeners": [plain_listener()],
        "upstreams": {"app": {"endpoints": [f"https://localhost:{untrusted_endpoint.port}"], "ca": authority.path}},
        "routes": [{"name": "all", "upstream": "app"}],
    })
    assert fetch(gateway.port).status == 502
    assert "subjectAltName" in gateway.wait_for("exchange", cause="upstream_tls_failed")["detail"]
    assert "ALERT" in untrusted_endpoint.said().upper()


def test_websocket_over_each_version(gateway, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client_context(authority.path, minimum=version, maximum=version)
        with WebSocket(gateway.tls_port, "/ws/echo", tls=context, name="second.example.test") as websocket:
            websocket.send(b"x" * 500_000)
            assert websocket.receive() == b"x" * 500_000


def test_records_split_anywhere_are_understood(gateway, authority):
    """The client's TLS bytes arrive one by one: no part of the handshake or of a record may need its neighbours."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(authority.path).wrap_bio(incoming, outgoing, server_hostname="second.example.test")
    with socket.create_connection(("127.0.0.1", gateway.tls_port), patience(20)) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def until_done(step):
            while True:
                try:
                    result = step()
                except ssl.SSLWantReadError:
                    result = None
                for byte in outgoing.read():
                    plain.send(bytes([byte]))
                if result is not None:
                    return result
                data = plain.recv(65536)
                assert data, "closed in the middle"
                incoming.write(data)

        until_done(lambda: tls.do_handshake() or True)
        tls.write(b"GET /echo HTTP/1.1\r\nHost: second.example.test\r\nConnection: close\r\n\r\n")
        assert until_done(lambda: tls.read(100)).startswith(b"HTTP/1.1 200 ")
