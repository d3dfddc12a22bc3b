"""Mutual TLS: certificates that clients must or may show, what becomes of them, and those that the gateway shows."""

import base64
import hashlib
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

import backends
import metrics
from client_authority import ClientAuthority, Issuer
from configs import plain_listener, simple, tls_listener
from raw import Connection, client_context, fetch
from settings import patience, program
from websocket_client import CLOSE, Refused, WebSocket

TLS1_2, TLS1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS1_2, TLS1_3], ids=["tls1.2", "tls1.3"])
MISSING = "the client shows no certificate, and this listener requires one (client_certificates)"


class Clients:
    def __init__(self, directory):
        self.authority = ClientAuthority(directory)
        self.stranger = ClientAuthority(directory, "Strangers")
        issue = self.authority.issue
        self.leaves = {
            "good": issue("good", [x509.DNSName("Agent.example.test"), x509.UniformResourceIdentifier("spiffe://e/a,b")]),
            "other": issue("other"),
            "direct": issue("direct", issuer=self.authority.root),
            "revoked": issue("revoked"),
            "expired": issue("expired", begins=-3, ends=-1),
            "early": issue("early", begins=1, ends=3),
            "server": issue("server", usage=ExtendedKeyUsageOID.SERVER_AUTH),
            "any": issue("any", usage=None),
            "deep": issue("deep", issuer=Issuer("Below", self.authority.intermediate)),
            "stranger": self.stranger.issue("stranger"),
        }
        self.crl = self.authority.revoke(self.leaves["revoked"])

    def __getitem__(self, name):
        return self.leaves[name]


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    return Clients(tmp_path_factory.mktemp("clients"))


def asking(clients, site, **more):
    return tls_listener(site, client_certificates={"ca": clients.authority.ca, **more})


def context_of(authority, leaf=None, version=None):
    context = client_context(authority.path, minimum=version, maximum=version)
    if leaf:
        context.load_cert_chain(leaf.certificate, leaf.key)
    return context


def ask(gateway, context, target="/echo", host="localhost", headers=(), session=None, name="localhost"):
    """One request; the answer, the session, and whether it was resumed."""
    with Connection(gateway.tls_port, context, name, session=session) as connection:
        response = connection.request("GET", target, headers, host=host)
        return response, connection.socket.session, connection.socket.session_reused


def refusal(gateway, context, **more):
    """The alert that the client gets: in TLS 1.3 it comes when the client thinks that the handshake is over."""
    with pytest.raises(ssl.SSLError) as caught:
        ask(gateway, context, **more)
    return caught.value.reason


@pytest.fixture(scope="module")
def strict(start_shared_gateway, node_http, site, clients):
    return start_shared_gateway(simple(node_http, listeners=[asking(clients, site, crl=clients.crl, depth=1)]))


@VERSIONS
@pytest.mark.parametrize("name", ["good", "other", "direct", "any"])
def test_a_certificate_of_the_authority_is_taken(strict, authority, clients, version, name):
    response, _, _ = ask(strict, context_of(authority, clients[name], version))
    assert response.status == 200


REFUSED = [
    (None, "HANDSHAKE_FAILURE", MISSING),
    ("stranger", "UNKNOWN_CA", "no authority of client_certificates.ca has signed it"),
    ("expired", "CERTIFICATE_EXPIRED", "the client's certificate CN=expired,O=Example is refused: it has expired"),
    ("early", "BAD_CERTIFICATE", "the client's certificate CN=early,O=Example is refused: it is not valid yet"),
    ("revoked", "CERTIFICATE_REVOKED", "the client's certificate CN=revoked,O=Example is refused: it is revoked"),
    ("server", "UNSUPPORTED_CERTIFICATE", "it is not meant for clients (its extendedKeyUsage has no clientAuth)"),
    ("deep", "UNKNOWN_CA", "more certificates stand above it than client_certificates.depth allows"),
]


@VERSIONS
@pytest.mark.parametrize("name, alert, words", REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_a_refused_client_gets_an_alert_and_the_log_says_why(strict, authority, clients, version, name, alert, words):
    leaf = clients[name] if name else None
    mark = strict.mark()
    reason = refusal(strict, context_of(authority, leaf, version))
    if name is None and version == TLS1_3:
        alert = "CERTIFICATE_REQUIRED"
    assert reason.endswith("ALERT_" + alert), reason
    line = strict.wait_for("tls_handshake_failed", since=mark, detail=lambda detail: words in detail)
    assert (line["cause"], line["stage"], line["fault"]) == ("tls_handshake_failed", "tls_handshake", "client")


def test_openssl_sees_whom_to_show_a_certificate_of(strict, authority, clients):
    openssl = program("openssl")
    leaf = clients["good"]
    done = subprocess.run(
        [openssl, "s_client", "-connect", f"127.0.0.1:{strict.tls_port}", "-servername", "localhost", "-CAfile", authority.path,
         "-cert", leaf.certificate, "-cert_chain", leaf.certificate, "-key", leaf.key, "-ign_eof"],
        input=b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", capture_output=True, check=False,
        timeout=patience(20))
    assert b"HTTP/1.1 200" in done.stdout
    assert b"Acceptable client certificate CA names" in done.stdout and b"Clients Root" in done.stdout


@VERSIONS
def test_where_a_certificate_is_wanted_it_may_be_missing_but_not_wrong(start_gateway, node_http, site, authority, clients, version):
    gateway = start_gateway({
        "listeners": [asking(clients, site, mode="wanted", crl=clients.crl)],
        "upstreams": {"api": {"endpoints": [node_http.url]}},
        "routes": [
            {"name": "open", "upstream": "api", "client_certificate": {
                "mode": "wanted", "forward": {"subject": "X-Subject", "verified": "X-Verified"}}},
            {"name": "closed", "match": {"path": "/closed"}, "upstream": "api", "client_certificate": "required"},
            {"name": "listed", "match": {"path": "/listed"}, "upstream": "api",
             "client_certificate": {"subjects": ["CN=nobody"], "sans": ["DNS:*.example.test"]}},
            {"name": "any", "match": {"path": "/any"}, "upstream": "api", "access": "any",
             "client_certificate": "required", "allow": "192.0.2.1"},
        ],
    })
    without, good, other = (context_of(authority, leaf, version) for leaf in (None, clients["good"], clients["other"]))
    for context, subject, verified in ((without, None, "NONE"), (good, "CN=good,O=Example", "SUCCESS")):
        fields = dict(ask(gateway, context)[0].json()["headers"])
        assert (fields.get("X-Subject"), fields.get("X-Verified")) == (subject, verified)
    mark = gateway.mark()
    response = ask(gateway, without, "/closed")[0]
    assert (response.status, response.json()["error"]) == (403, "client_certificate_missing")
    assert gateway.wait_for("exchange", since=mark, route="closed")["cause"] == "client_certificate_missing"
    assert ask(gateway, good, "/closed")[0].status == 200
    response = ask(gateway, other, "/listed")[0]
    assert (response.status, response.json()["error"]) == (403, "client_certificate_refused")
    assert "CN=other,O=Example" in response.json()["detail"]
    assert ask(gateway, good, "/listed")[0].status == 200
    assert [ask(gateway, context, "/any")[0].status for context in (without, good)] == [403, 200]
    for name in ("stranger", "revoked"):
        refusal(gateway, context_of(authority, clients[name], version))


FORGERIES = ["X-Client-Cert-Subject", "x-client-cert-subject", "X_Client_Cert_Subject", "X-Client_Cert-SUBJECT",
             "X-Client-Cert-SAN", "X-Client-Cert-Fingerprint", "X-Client-Cert-Verified", "X-Client-Cert-Issuer",
             "X-Client-Cert-Serial", "Client-Cert", "client_cert", "Client-Cert-Chain", "CLIENT-CERT-CHAIN"]


@pytest.mark.parametrize("context", ["with", "without"])
def test_no_client_can_say_what_its_certificate_is(start_gateway, node_http, site, authority, clients, context):
    forward = {"subject": "X-Client-Cert-Subject", "san": "X-Client-Cert-SAN", "issuer": "X-Client-Cert-Issuer",
               "serial": "X-Client-Cert-Serial", "fingerprint": "X-Client-Cert-Fingerprint",
               "verified": "X-Client-Cert-Verified", "certificate": "Client-Cert"}
    gateway = start_gateway({
        "listeners": [asking(clients, site, mode="wanted"), plain_listener()],
        "trusted_proxies": ["127.0.0.0/8"],
        "upstreams": {"api": {"endpoints": [node_http.url]}},
        "routes": [{"name": "told", "match": {"path": "/told"}, "rewrite": {"strip_prefix": "/told"}, "upstream": "api",
                    "client_certificate": {"mode": "wanted", "forward": forward}},
                   {"name": "untold", "upstream": "api"}],
    })
    good = clients["good"]
    forged = [(name, "forged") for name in FORGERIES] + [("X-Client-Cert-Subject", "twice")]
    tls = context_of(authority, good if context == "with" else None)

    def seen(fields):
        return {name.lower(): value for name, value in fields if "cert" in name.lower()}

    told = seen(ask(gateway, tls, "/told/echo", headers=forged)[0].json()["headers"])
    untold = seen(ask(gateway, tls, "/echo", headers=forged)[0].json()["headers"])
    plain = seen(fetch(gateway.port, target="/told/echo", headers=forged).json()["headers"])
    assert untold == {} and plain == {"x-client-cert-verified": "NONE"}
    if context == "without":
        assert told == {"x-client-cert-verified": "NONE"}
        return
    encoded = told.pop("client-cert")
    assert encoded[0] == encoded[-1] == ":" and base64.b64decode(encoded[1:-1]) == good.der
    assert told.pop("x-client-cert-fingerprint") == hashlib.sha256(good.der).hexdigest()
    assert int(told.pop("x-client-cert-serial"), 16) == good.serial
    assert told == {"x-client-cert-subject": "CN=good,O=Example", "x-client-cert-issuer": "CN=Clients Intermediate,O=Example",
                    "x-client-cert-san": "DNS:agent.example.test, URI:spiffe://e/a%2Cb", "x-client-cert-verified": "SUCCESS"}


def test_log_and_header_templates_name_the_certificate(start_gateway, node_ws, site, authority, clients):
    placeholders = {name: f"X-Cert-{name}" for name in ("subject", "san", "issuer", "serial", "fingerprint")}
    gateway = start_gateway(simple(
        node_ws, listeners=[asking(clients, site, mode="wanted")], log={"client_certificate": ["subject", "serial", "san"]},
        route={"response_headers": {"set": {field: f"{{client_certificate.{name}}}" for name, field in placeholders.items()}}}))
    good = clients["good"]
    shown = {"subject": "CN=good,O=Example", "san": "DNS:agent.example.test, URI:spiffe://e/a%2Cb"}
    response = ask(gateway, context_of(authority, good), "/none")[0]
    told = {name: response.header(field) for name, field in placeholders.items()}
    assert int(told.pop("serial"), 16) == good.serial and told.pop("fingerprint") == hashlib.sha256(good.der).hexdigest()
    assert told == {**shown, "issuer": "CN=Clients Intermediate,O=Example"}
    logged = gateway.exchange(response)["client_certificate"]
    assert int(logged.pop("serial"), 16) == good.serial and logged == shown
    mark = gateway.mark()
    with WebSocket(gateway.tls_port, "/echo", tls=context_of(authority, good)) as socket:
        assert socket.response.header(placeholders["subject"]) == shown["subject"]
        socket.close()
    for event in ("tunnel_open", "tunnel_close"):
        assert gateway.wait_for(event, since=mark)["client_certificate"]["subject"] == shown["subject"]
    response = ask(gateway, context_of(authority), "/none")[0]
    assert not any(response.header(field) for field in placeholders.values())
    assert "client_certificate" not in gateway.exchange(response)


# Resumption

@VERSIONS
def test_a_session_is_resumed_with_its_certificate(start_gateway, node_http, site, authority, clients, version):
    gateway = start_gateway(simple(node_http, listeners=[asking(clients, site, crl=clients.crl)],
                                   route={"client_certificate": {"forward": {"subject": "X-Subject"}}}))
    context = context_of(authority, clients["direct"], version)
    _, session, _ = ask(gateway, context)
    for _ in range(6):
        response, session, resumed = ask(gateway, context, session=session)
        assert resumed and dict(response.json()["headers"])["X-Subject"] == "CN=direct,O=Example"
    # A session does not hold what stands between the client's certificate and the authority.
    context = context_of(authority, clients["good"], version)
    _, session, _ = ask(gateway, context)
    response, _, resumed = ask(gateway, context, session=session)
    assert response.status == 200 and not resumed


@VERSIONS
def test_a_revoked_certificate_resumes_no_session(start_gateway, node_http, site, authority, clients, version):
    label = f"resumed-{version.name}.crl"
    leaf = clients.authority.issue(f"resumed-{version.name}", issuer=clients.authority.root)
    crl = clients.authority.revoke(label=label)
    gateway = start_gateway(simple(node_http, listeners=[asking(clients, site, crl=crl)]))
    context = context_of(authority, leaf, version)
    _, session, _ = ask(gateway, context)
    _, session, resumed = ask(gateway, context, session=session)
    assert resumed
    clients.authority.revoke(leaf, label=label)
    gateway.reload()
    mark = gateway.mark()
    assert refusal(gateway, context, session=session).endswith("ALERT_CERTIFICATE_REVOKED")
    gateway.wait_for("tls_handshake_failed", since=mark, detail=lambda detail: "it is revoked" in detail)


@VERSIONS
def test_a_session_of_another_mode_or_name_is_not_resumed(start_gateway, node_http, site, authority, clients, version):
    """A session that was opened without a certificate must lead nowhere where one is required."""
    wanted = asking(clients, site, mode="wanted")
    config = simple(node_http, listeners=[wanted])
    gateway = start_gateway(config)
    context = context_of(authority, None, version)
    _, session, _ = ask(gateway, context)
    assert ask(gateway, context, session=session)[2]
    gateway.reload({**config, "listeners": [asking(clients, site)]})
    refusal(gateway, context, session=session)
    gateway.reload({**config, "listeners": [asking(clients, site, names=["secret.example.test"])]})
    _, session, _ = ask(gateway, context, name="open.example.test", host="open.example.test")
    assert ask(gateway, context, name="open.example.test", host="open.example.test", session=session)[2]
    refusal(gateway, context, name="secret.example.test", host="secret.example.test", session=session)


# Names

@pytest.fixture(scope="module")
def by_name(start_shared_gateway, node_http, site, clients):
    return start_shared_gateway({
        "listeners": [asking(clients, site, names=["secret.example.test", "*.deep.example.test"])],
        "upstreams": {"api": {"endpoints": [node_http.url]}},
        "routes": [{"name": "secret", "match": {"host": ["secret.example.test", "*.deep.example.test"]}, "upstream": "api"},
                   {"name": "open", "upstream": "api"}],
    })


@VERSIONS
def test_clients_are_asked_by_name(by_name, authority, clients, version):
    without, good = (context_of(authority, leaf, version) for leaf in (None, clients["good"]))
    assert ask(by_name, without, name="open.example.test", host="open.example.test")[0].status == 200
    refusal(by_name, without, name="secret.example.test", host="secret.example.test")
    assert ask(by_name, good, name="secret.example.test", host="secret.example.test")[0].status == 200
    # Who has shown a certificate has shown it for the other hosts too.
    assert ask(by_name, good, name="secret.example.test", host="open.example.test")[0].status == 200


@pytest.mark.parametrize("host", ["secret.example.test", "SECRET.example.test", "secret.example.test.", "secret.example.test:443",
                                  "a.deep.example.test", "a.b.deep.example.test"])
@pytest.mark.parametrize("name", ["open.example.test", None, "deep.example.test"])
def test_a_request_for_another_name_than_that_of_the_connection_is_misdirected(by_name, authority, name, host):
    context = client_context(verify=False)
    mark = by_name.mark()
    with Connection(by_name.tls_port, context, name) as connection:
        assert connection.request("GET", "/echo", host="open.example.test").status == 200
        response = connection.request("GET", "/echo", host=host)
        assert (response.status, response.json()["error"]) == (421, "misdirected_request")
        assert response.header("connection") == "close" and connection.at_end()
    line = by_name.wait_for("exchange", since=mark, cause="misdirected_request")
    assert line["route"] is None and line["status"] == 421


def test_an_absolute_target_and_an_upgrade_are_misdirected_too(by_name):
    context = client_context(verify=False)
    with Connection(by_name.tls_port, context, "open.example.test") as connection:
        assert connection.request("GET", "https://secret.example.test/echo", host="open.example.test").status == 400
    with Connection(by_name.tls_port, context, "open.example.test") as connection:
        assert connection.request("GET", "https://secret.example.test/echo", host="secret.example.test").status == 421
    with pytest.raises(Refused) as refused:
        WebSocket(by_name.tls_port, "/ws", host="secret.example.test", tls=context, name="open.example.test")
    assert refused.value.response.status == 421


# Reloads

def test_a_connection_of_before_is_held_to_the_new_rules(start_gateway, node_http, site, authority, clients):
    leaf = clients.authority.issue("kept", issuer=clients.authority.root)
    crl = clients.authority.revoke(label="kept.crl")
    config = simple(node_http, listeners=[asking(clients, site, mode="wanted", crl=crl)])
    gateway = start_gateway(config)
    with Connection(gateway.tls_port, context_of(authority), "localhost") as bare, \
            Connection(gateway.tls_port, context_of(authority, leaf), "localhost") as kept, \
            Connection(gateway.tls_port, context_of(authority, clients["other"]), "localhost") as other:
        assert [one.request("GET", "/echo").status for one in (bare, kept, other)] == [200, 200, 200]
        clients.authority.revoke(leaf, label="kept.crl")
        gateway.reload({**config, "listeners": [asking(clients, site, crl=crl)]})
        response = bare.request("GET", "/echo")
        assert (response.status, response.json()["error"]) == (421, "misdirected_request")
        response = kept.request("GET", "/echo")
        assert (response.status, response.json()["error"]) == (403, "client_certificate_refused")
        assert bare.at_end() and kept.at_end()
        assert other.request("GET", "/echo").status == 200


def test_a_live_socket_and_a_stream_end_when_their_certificate_is_revoked(start_gateway, start_backend, node_ws, site, authority, clients):
    events = start_backend(backends.node, "event_source_server.mjs")
    leaf = clients.authority.issue("live")
    crl = clients.authority.revoke(label="live.crl")
    gateway = start_gateway({
        "listeners": [asking(clients, site, crl=crl)],
        "upstreams": {"ws": {"endpoints": [node_ws.url]}, "events": {"endpoints": [events.url]}},
        "routes": [{"name": "ws", "match": {"path": "/ws"}, "upstream": "ws"}, {"name": "events", "upstream": "events"}],
    })
    context = context_of(authority, leaf)
    other = WebSocket(gateway.tls_port, "/ws/echo", tls=context_of(authority, clients["other"]), name="localhost")
    live = WebSocket(gateway.tls_port, "/ws/echo", tls=context, name="localhost")
    stream = Connection(gateway.tls_port, context, "localhost")
    stream.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    assert stream.read_head().status == 200
    with other, live, stream:
        gateway.reload()  # nothing has changed
        clients.authority.revoke(clients["revoked"], label="live.crl")
        gateway.reload()  # a new list, which concerns neither
        for socket in (live, other):
            socket.send("still here")
            assert socket.receive() == "still here"
        clients.authority.revoke(leaf, label="live.crl")
        mark = gateway.mark()
        gateway.reload()
        closed = live.receive()
        assert (closed.opcode, closed.close_code) == (CLOSE, 1012)
        gateway.wait_for("stream_close", since=mark, cause="route_changed")
        assert gateway.wait_for("tunnel_close", since=mark)["cause"] == "route_changed"
        other.send("still here")
        assert other.receive() == "still here"
        gateway.reload({**_config_of(gateway, clients, site, node_ws, events), "listeners": [
            tls_listener(site, client_certificates={"ca": clients.stranger.ca})]})
        closed = other.receive()
        assert (closed.opcode, closed.close_code) == (CLOSE, 1012)


def _config_of(gateway, clients, site, node_ws, events):
    return {
        "upstreams": {"ws": {"endpoints": [node_ws.url]}, "events": {"endpoints": [events.url]}},
        "routes": [{"name": "ws", "match": {"path": "/ws"}, "upstream": "ws"}, {"name": "events", "upstream": "events"}],
    }


@pytest.mark.parametrize("accepted", [False, True], ids=["refuse", "accept"])
def test_an_expired_list_lets_nobody_in_unless_it_may(start_gateway, node_http, site, authority, clients, accepted):
    crl = clients.authority.revoke(clients["revoked"], label="old.crl", begins=-9, ends=-2)
    gateway = start_gateway(simple(
        node_http, admin=metrics.LOCAL_ADMIN,
        listeners=[asking(clients, site, crl=crl, **({"expired_crl": "accept"} if accepted else {}))]))
    words = "used on" if accepted else "no client of that authority gets in"
    assert [line for line in gateway.find("configuration_warning") if "has expired" in line["problem"] and words in line["problem"]]
    if accepted:
        assert ask(gateway, context_of(authority, clients["good"]))[0].status == 200
    else:
        mark = gateway.mark()
        refusal(gateway, context_of(authority, clients["good"]))
        gateway.wait_for("tls_handshake_failed", since=mark, detail=lambda detail: "revocation list" in detail and "expired" in detail)
    refusal(gateway, context_of(authority, clients["revoked"]))
    dates = {(one["use"], one["file"]): one["expires_at"]
             for one in fetch(metrics.admin_port(gateway), target="/status").json()["certificates"]}
    assert set(use for use, _ in dates) == {"certificate", "client_ca", "client_crl"}
    shown = metrics.number(gateway, "postern_certificate_expiry_timestamp_seconds", use="client_crl", file=crl)
    assert shown == dates["client_crl", crl] and shown < dates["client_ca", clients.authority.ca]


def test_a_list_that_cannot_be_read_changes_nothing(start_gateway, node_http, site, authority, clients):
    crl = clients.authority.revoke(label="broken.crl")
    gateway = start_gateway(simple(node_http, listeners=[asking(clients, site, crl=crl)]))
    clients.authority.write("broken.crl", b"-----BEGIN X509 CRL-----\nMII\n-----END X509 CRL-----\n")
    gateway.reload(expect="reload_failed")
    assert ask(gateway, context_of(authority, clients["good"]))[0].status == 200


def test_a_list_in_der_and_of_one_authority_alone(start_gateway, node_http, site, authority, clients):
    """The root is trusted by the configuration, but who was signed by the intermediate needs the list of both."""
    crl = clients.authority.write("root.der.crl", clients.authority.root.revocation_list(
        encoding=serialization.Encoding.DER))
    gateway = start_gateway(simple(node_http, listeners=[asking(clients, site, crl=crl)]))
    assert ask(gateway, context_of(authority, clients["direct"]))[0].status == 200
    mark = gateway.mark()
    refusal(gateway, context_of(authority, clients["good"]))
    gateway.wait_for("tls_handshake_failed", since=mark, detail=lambda detail: "client_certificates.crl has no list" in detail)
    # An authority that is no root may be trusted alone.
    below = clients.authority.write("intermediate.pem", clients.authority.intermediate.pem)
    crl = clients.authority.write("below.crl", clients.authority.intermediate.revocation_list())
    gateway.reload(simple(node_http, listeners=[tls_listener(site, client_certificates={"ca": below, "crl": crl})]))
    assert ask(gateway, context_of(authority, clients["good"]))[0].status == 200
    refusal(gateway, context_of(authority, clients["direct"]))


# Towards endpoints

def demanding(authority, site, clients, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.certificate, site.key)
    context.load_verify_locations(clients.authority.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def behind(endpoint, authority, leaf):
    tls = {"tls": leaf.as_config()} if leaf else {}
    return {"listeners": [plain_listener()],
            "upstreams": {"app": {"endpoints": [f"https://localhost:{endpoint.port}"], "ca": authority.path, **tls}},
            "routes": [{"name": "all", "upstream": "app"}]}


@VERSIONS
@pytest.mark.parametrize("name, words", [
    ("good", None), (None, "the endpoint asks for a client certificate, and the upstream has none for it"),
    ("stranger", "the endpoint refuses the client certificate of the upstream"),
    ("expired", "the endpoint refuses the client certificate of the upstream: it has expired")])
def test_an_endpoint_that_wants_a_certificate_gets_it(start_gateway, endpoint, authority, site, clients, version, name, words):
    app = endpoint(tls=demanding(authority, site, clients, version))
    gateway = start_gateway(behind(app, authority, clients[name] if name else None))
    response = fetch(gateway.port)
    if words is None:
        assert response.status == 200
        return
    assert response.status == 502
    line = gateway.wait_for("exchange", cause="upstream_tls_failed")
    assert words in line["detail"], line["detail"]


def test_a_renewed_certificate_is_shown_without_a_gap(start_gateway, endpoint, authority, site, clients):
    app = endpoint(tls=demanding(authority, site, clients))
    leaf = clients.authority.issue("renewed")
    gateway = start_gateway({**behind(app, authority, leaf), "workers": 1, "admin": metrics.LOCAL_ADMIN})
    assert [fetch(gateway.port).status for _ in range(3)] == [200, 200, 200]
    first = app.peers[0].socket.getpeercert()["serialNumber"]
    assert len(app.peers) == 1 and int(first, 16) == leaf.serial
    gateway.reload()
    assert fetch(gateway.port).status == 200 and len(app.peers) == 1
    renewed = clients.authority.issue("renewed")  # in place of the old files
    gateway.reload()
    assert fetch(gateway.port).status == 200
    assert int(app.peers[1].socket.getpeercert()["serialNumber"], 16) == renewed.serial
    uses = [one["use"] for one in fetch(metrics.admin_port(gateway), target="/status").json()["certificates"]]
    assert uses == ["client_certificate"]
    clients.authority.write("renewed.key", b"no key")
    gateway.reload(expect="reload_failed")
    assert fetch(gateway.port).status == 200


def test_nginx_that_verifies_its_clients(start_gateway, node_ws, tmp_path, authority, site, clients):
    block = (f"ssl_certificate {site.certificate}; ssl_certificate_key {site.key};\n"
             f"ssl_client_certificate {clients.authority.ca}; ssl_verify_client on; ssl_verify_depth 2;\n"
             "location / { return 200 $ssl_client_s_dn; }\n"
             f"location /ws {{ proxy_pass {node_ws.url}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;\n"
             "  proxy_set_header Connection upgrade; }\n")
    with backends.Nginx(tmp_path, block, listen_options="ssl") as nginx:
        config = behind(nginx, authority, clients["good"])
        config["upstreams"]["app"]["health"] = {"path": "/", "interval": "100ms"}
        gateway = start_gateway(config)
        response = fetch(gateway.port)
        assert (response.status, response.body) == (200, b"CN=good,O=Example")
        with WebSocket(gateway.port, "/ws/echo") as websocket:
            websocket.send("through")
            assert websocket.receive() == "through"
