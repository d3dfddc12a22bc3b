"""Keys that are fetched from a real provider over TLS: found, rotated, kept while it is down, and never fetched too often."""

import concurrent.futures
import json
import re
import socket
import subprocess
import threading
import time

import pytest

import tokens
from configs import upstream
from gateway import with_test_defaults
from oidc_provider import OidcProvider
from raw import fetch
from settings import patience, postern_binary
from websocket_client import WebSocket
from yaml_text import to_yaml


@pytest.fixture(scope="module")
def leaf(authority):
    return authority.issue("provider", ["localhost"])


@pytest.fixture
def provider(leaf):
    made = OidcProvider(leaf)
    yield made
    made.stop()


def config(provider, authority, node_http, keys=None, fetching=None, **more):
    return {
        "jwt": {"login": {"issuer": provider.issuer, "audience": "app", "algorithms": ["RS256"], "keys": keys or provider.jwks_uri,
                          "from": ["header", {"query": "token"}],
                          "fetch": {"ca": authority.path, "timeout": "2s", **(fetching or {})}}},
        "upstreams": {"api": upstream(node_http)},
        "routes": [{"name": "all", "upstream": "api", "jwt": "login"}], **more}


def status(gateway, token, target="/whoami"):
    return fetch(gateway.port, target=target, headers=[("Authorization", f"Bearer {token}")]).status


def test_keys_of_a_url_are_fetched_over_tls(start_gateway, node_http, provider, authority):
    gateway = start_gateway(config(provider, authority, node_http))
    assert status(gateway, provider.token()) == 200
    assert status(gateway, provider.token(key=tokens.new_key("RS256"))) == 401
    assert provider.requests == ["/realm/keys"]
    line = gateway.wait_for("jwt_keys_fetched")
    assert line["jwt"] == "login" and line["url"] == provider.jwks_uri and line["keys"] == 1


def test_discovery_leads_to_the_keys(start_gateway, node_http, provider, authority):
    gateway = start_gateway(config(provider, authority, node_http, keys="discover"))
    assert status(gateway, provider.token()) == 200
    assert provider.requests == ["/realm/.well-known/openid-configuration", "/realm/keys"]


def test_certificate_of_the_provider_is_verified(start_gateway, node_http, provider, authority):
    distrustful = config(provider, authority, node_http)
    del distrustful["jwt"]["login"]["fetch"]["ca"]
    gateway = start_gateway(distrustful)
    failed = gateway.wait_for("jwt_keys_failed")
    assert "certificate" in failed["problem"] and failed["keys_kept"] == 0
    response = fetch(gateway.port, target="/whoami", headers=[("Authorization", f"Bearer {provider.token()}")])
    assert response.status == 503 and response.header("retry-after") and response.json()["error"] == "keys_unavailable"
    assert provider.requests == []
    other_name = OidcProvider(authority.issue("elsewhere", ["elsewhere.test"]))
    try:
        gateway.reload(config(other_name, authority, node_http))
        gateway.wait_for("jwt_keys_failed", check=None, problem=lambda text: "localhost" in text or "name" in text or "match" in text)
    finally:
        other_name.stop()


def test_rotation_fails_no_request(start_gateway, node_http, provider, authority):
    """Requests go on while the provider signs with new keys and removes old ones."""
    gateway = start_gateway(config(provider, authority, node_http, fetching={"cooldown": "1s"}, workers=4))
    stop = threading.Event()
    failed, passed = [], []

    def load():
        while not stop.is_set():
            got = status(gateway, provider.token())
            (passed if got == 200 else failed).append(got)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(load) for _ in range(4)]
        for _ in range(3):
            before = len(passed)
            deadline = time.monotonic() + patience(20)
            while len(passed) < before + 40 and time.monotonic() < deadline:
                time.sleep(0.05)
            provider.rotate()
        before = len(passed)
        deadline = time.monotonic() + patience(20)
        while len(passed) < before + 40 and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        for one in running:
            one.result()
    assert not failed and len(passed) >= 160


def test_random_keys_cause_one_fetch_and_refuse_nobody_else(start_gateway, node_http, provider, authority):
    """1,000 requests with random key names on 4 workers: one fetch, and requests with a good token are served meanwhile."""
    gateway = start_gateway(config(provider, authority, node_http, fetching={"cooldown": "30s", "wait": "500ms"}, workers=4))
    assert status(gateway, provider.token()) == 200
    assert provider.fetches() == 1
    good = provider.token()

    def attack(number):
        return status(gateway, provider.token(kid=f"random-{number}", key=provider.keys[provider.kid]))

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(attack, range(1000)))
        assert all(pool.map(lambda _: status(gateway, good) == 200, range(50)))
    assert set(answers) <= {401, 503}  # 503 where the next fetch is further away than a request may wait
    assert provider.fetches() <= 2


MODES = ["hang", "rubbish", "huge", "error", "html", "dead"]


@pytest.mark.parametrize("mode", MODES)
def test_provider_that_fails_costs_no_valid_token(start_gateway, node_http, provider, authority, mode):
    gateway = start_gateway(config(provider, authority, node_http, fetching={"cooldown": "1s", "timeout": "500ms", "wait": "5s"}))
    known = provider.token()
    assert status(gateway, known) == 200
    if mode == "dead":
        provider.stop()
    else:
        provider.mode = mode
    mark = gateway.mark()
    strange = provider.token(kid="strange", key=provider.keys[provider.kid])
    assert status(gateway, strange) == 503  # nothing is known against it
    failed = gateway.wait_for("jwt_keys_failed", since=mark)
    assert failed["keys_kept"] == 1 and failed["problem"]
    forged = provider.token(key=tokens.new_key("RS256"))
    assert status(gateway, known) == 200 and status(gateway, forged) == 401
    if mode == "dead":
        provider.start()
    provider.mode = "good"
    provider.rotate()
    assert status(gateway, provider.token()) == 200
    assert status(gateway, strange) == 401


def test_gateway_starts_before_its_provider(start_gateway, node_http, provider, authority):
    provider.stop()
    gateway = start_gateway(config(provider, authority, node_http))
    assert gateway.wait_for("jwt_keys_failed")["keys_kept"] == 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(status, gateway, provider.token())
        provider.start()
        first = waiting.result()
    assert first in (200, 503)  # it came before or after an attempt that failed
    gateway.wait_for("jwt_keys_fetched", timeout=40)
    assert status(gateway, provider.token()) == 200


def test_metrics_and_status_have_the_keys(start_gateway, node_http, provider, authority):
    provider.max_age = 200
    gateway = start_gateway(config(provider, authority, node_http, admin={"address": "127.0.0.1:0"}))
    gateway.wait_for("jwt_keys_fetched")
    port = int(gateway.wait_for("admin_listening")["address"].rsplit(":", 1)[1])
    metrics = fetch(port, target="/metrics").body.decode()
    assert 'postern_jwt_key_fetches_total{jwt="login",outcome="fetched"} 1' in metrics
    assert 'postern_jwt_key_fetches_total{jwt="login",outcome="failed"} 0' in metrics
    assert 'postern_jwt_keys{jwt="login"} 1' in metrics
    next_fetch = float(re.search(r'postern_jwt_keys_next_fetch_seconds\{jwt="login"\} (\S+)', metrics).group(1))
    assert 100 < next_fetch <= 180  # before Cache-Control says that they are old
    shown = json.loads(fetch(port, target="/status").body)["jwt_keys"]
    assert shown[0]["jwt"] == "login" and shown[0]["keys"] == 1 and shown[0]["fetched"] == 1


def test_keys_that_cannot_be_used_are_named(start_gateway, node_http, provider, authority):
    weak = tokens.jwk(tokens.new_key("RS256"), "for-encryption", "RS256")
    provider.extra_keys = [{**weak, "use": "enc"}, {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}]
    gateway = start_gateway(config(provider, authority, node_http))
    assert status(gateway, provider.token()) == 200
    gateway.wait_for("jwt_keys_fetched")  # behind them in the log
    notes = [line["note"] for line in gateway.find("jwt_keys_note")]
    assert len(notes) == 2 and "for-encryption" in notes[0] and "use" in notes[0] and "shared" in notes[1]
    assert not any("c2VjcmV0" in line for line in gateway.raw_lines)


def test_key_that_is_gone_ends_the_sockets(start_gateway, node_http, node_ws, provider, authority):
    sockets = config(provider, authority, node_ws, fetching={"cooldown": "1s"})
    gateway = start_gateway(sockets)
    with WebSocket(gateway.port, f"/ws/echo?token={provider.token()}") as socket_of_old_key:
        socket_of_old_key.send("hello")
        assert socket_of_old_key.receive() == "hello"
        provider.rotate(keep=0)
        with WebSocket(gateway.port, f"/ws/echo?token={provider.token()}") as socket_of_new_key:
            assert socket_of_old_key.receive().close_code == 1012
            socket_of_new_key.send("still here")
            assert socket_of_new_key.receive() == "still here"
    assert gateway.wait_for("tunnel_close", close_code=1012)["cause"] == "route_changed"


class ConnectProxy:
    """A proxy that understands CONNECT only."""

    def __init__(self):
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                return client.close()
            head += data
        self.asked.append(head.decode("latin-1"))
        if b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" not in head:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return client.close()
        port = head.split()[1].decode().rpartition(":")[2]
        server = socket.create_connection(("127.0.0.1", int(port)))  # whatever the name
        client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._listener.close()


def test_https_proxy_of_the_environment_is_used(start_gateway, node_http, provider, authority):
    proxy = ConnectProxy()
    try:
        gateway = start_gateway(config(provider, authority, node_http), environment={
            "HTTPS_PROXY": f"http://user:pass@127.0.0.1:{proxy.port}", "NO_PROXY": "", "no_proxy": ""})
        assert status(gateway, provider.token()) == 200
        assert proxy.asked[0].startswith(f"CONNECT localhost:{provider.port} HTTP/1.1\r\n")
        refused = start_gateway(config(provider, authority, node_http), environment={
            "HTTPS_PROXY": f"http://user:wrong@127.0.0.1:{proxy.port}", "NO_PROXY": "", "no_proxy": ""})
        failed = refused.wait_for("jwt_keys_failed")
        assert "the proxy answered CONNECT with 407" in failed["problem"]
        assert not any("wrong" in line for line in refused.raw_lines)
    finally:
        proxy.close()


def test_metadata_and_keys_each_have_their_own_way_out(start_gateway, node_http, authority):
    proxy = ConnectProxy()
    provider = OidcProvider(authority.issue("two-hosts", ["localhost", "keys.test"]))
    provider.jwks_uri = f"https://keys.test:{provider.port}/realm/keys"
    try:
        gateway = start_gateway(config(provider, authority, node_http, keys="discover"), environment={
            "HTTPS_PROXY": f"http://user:pass@127.0.0.1:{proxy.port}", "NO_PROXY": "localhost", "no_proxy": "localhost"})
        assert status(gateway, provider.token()) == 200
        assert len(proxy.asked) == 1 and proxy.asked[0].startswith(f"CONNECT keys.test:{provider.port} HTTP/1.1\r\n")
    finally:
        provider.stop()
        proxy.close()


def test_reload_keeps_fetched_keys(start_gateway, node_http, provider, authority):
    """Other rules of the same provider need no new fetch; requests do not wait."""
    gateway = start_gateway(config(provider, authority, node_http))
    assert status(gateway, provider.token()) == 200
    provider.mode = "error"
    changed = config(provider, authority, node_http)
    changed["jwt"]["login"]["required_claims"] = {"sub": "alice"}
    gateway.reload(changed)
    assert status(gateway, provider.token()) == 200
    assert status(gateway, provider.token(sub="bob")) == 403
    assert provider.fetches() == 1
    assert json.dumps(gateway.lines).count(provider.token().split(".")[2]) == 0


def test_reload_takes_another_ca_and_other_times(start_gateway, node_http, provider, authority, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(open(authority.issue("stranger", ["localhost"]).certificate, "rb").read())
    changing = config(provider, authority, node_http, fetching={"ca": str(ca)})
    gateway = start_gateway(changing)
    gateway.wait_for("jwt_keys_failed")
    ca.write_bytes(open(authority.path, "rb").read())
    gateway.reload(changing)
    assert gateway.wait_for("jwt_keys_fetched")["keys"] == 1
    provider.stop()
    changing["jwt"]["login"]["fetch"]["keep"] = "48h"
    gateway.reload(changing)
    assert status(gateway, provider.token()) == 200


def check(path, *flags):
    done = subprocess.run([postern_binary(), "check", *flags, str(path)], capture_output=True, text=True, timeout=patience(30))
    return done.returncode, done.stdout + done.stderr


def test_check_probes_the_keys(tmp_path, provider, authority, node_http):
    path = tmp_path / "postern.yaml"
    path.write_text(to_yaml(with_test_defaults(config(provider, authority, node_http))))
    weak = tokens.jwk(tokens.new_key("RS256"), "for-encryption", "RS256")
    provider.extra_keys = [{**weak, "use": "enc"}]
    code, said = check(path)
    assert code == 0 and provider.requests == []
    code, said = check(path, "--probe")
    assert code == 0 and provider.requests == ["/realm/keys"] and "for-encryption" in said
    provider.stop()
    code, said = check(path, "--probe")
    assert code == 0 and f"the keys cannot be fetched now from {provider.jwks_uri}" in said and "refused" in said


WRONG = {
    "no TLS": ({"keys": "http://keycloak.internal:8080/keys"}, "is not https"),
    "no URL": ({"keys": "https://user@a/"}, "is a URL that holds a user"),
    "no issuer": ({"keys": "discover", "issuer": None}, "needs issuer"),
    "issuer is no URL": ({"keys": "discover", "issuer": "login"}, "needs an issuer that is an https URL"),
    "shared secret": ({"algorithms": ["HS256"]}, "keys that anybody can fetch are not secret"),
    "file": ({"keys": "jwks.json"}, "has no effect: the keys are in a file"),
    "no CA": ({"fetch": {"ca": "nowhere.pem"}}, "does not exist"),
    "ages": ({"fetch": {"min_age": "2h", "max_age": "1h"}}, "has a min_age above its max_age"),
}


@pytest.mark.parametrize("name", WRONG)
def test_check_says_what_is_wrong(tmp_path, provider, authority, node_http, name):
    change, sentence = WRONG[name]
    wrong = config(provider, authority, node_http)
    login = {**wrong["jwt"]["login"], **change}
    wrong["jwt"]["login"] = {key: value for key, value in login.items() if value is not None}
    path = tmp_path / "postern.yaml"
    path.write_text(to_yaml(with_test_defaults(wrong)))
    code, said = check(path)
    assert code == 1 and sentence in said and "jwt.login" in said
