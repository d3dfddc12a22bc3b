"""curl and Node's HTTP client through the gateway: every framing of a body in both directions, every class of status,
over plain HTTP and TLS. What they say is what users see; the byte-exact cases are in test_http.py and tests/conformance."""

import hashlib
import json
import ssl
import subprocess

import pytest

import backends
from configs import example, plain_listener, simple, tls_listener
from raw import Connection, fetch
from settings import BACKENDS, patience, program

PATTERN = (bytes(range(251)) * 262)[:65536]  # what node_http.mjs pours, again and again
STATUSES = [200, 201, 202, 203, 206, 204, 301, 303, 304, 307, 308, 400, 401, 403, 404, 409, 410, 418, 422, 500, 501, 503]


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, site):
    return start_shared_gateway(simple(node_http, listeners=[plain_listener(), tls_listener(site)]))


def poured(count):
    return (PATTERN * (count // len(PATTERN) + 1))[:count]


def sent(count):
    return (b"postern" * (count // 7 + 1))[:count]


class Curl:
    def __init__(self, program, origin, authority, folder):
        self.command = [program, "--silent", "--cacert", authority, "--max-time", str(patience(30))]
        self.origin, self.folder = origin, folder

    def run(self, cases):
        """One curl for all of them, so that it may use one connection: [{status, bytes, sha256, interim, reused}]."""
        command, outputs = [], []
        for number, case in enumerate(cases):
            outputs.append(self.folder / f"body-{number}")
            outputs[-1].write_bytes(b"")
            headers = self.folder / f"headers-{number}"
            if command:
                command.append("--next")
            command += [*self.command[1:], "--dump-header", headers, "--write-out", "%{json}\n", "--output", outputs[-1]]
            method = case.get("method", "GET")
            command += ["--head"] if method == "HEAD" else ["--request", method]
            for name, value in case.get("headers", {}).items():
                command += ["--header", f"{name}: {value}"]
            if "body_bytes" in case:
                body = self.folder / f"sent-{number}"
                body.write_bytes(sent(case["body_bytes"]))
                command += ["--data-binary", f"@{body}"]
                if case.get("chunked"):
                    command += ["--header", "Transfer-Encoding: chunked"]
            command.append(self.origin + case["path"])
        done = subprocess.run([self.command[0], *command], capture_output=True, check=False,
                 timeout=patience(60))
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(reports) == len(cases), done.stderr
        answers = []
        for number, (case, report) in enumerate(zip(cases, reports)):
            body = b"" if case.get("method") == "HEAD" else outputs[number].read_bytes()
            heads = (self.folder / f"headers-{number}").read_text("latin-1")
            statuses = [int(line.split()[1]) for line in heads.splitlines() if line.startswith("HTTP/")]
            if report["exitcode"] != 0:
                answers.append({"error": report["exitcode"], "bytes": len(body)})
                continue
            answers.append({"status": report["response_code"], "bytes": len(body), "interim": statuses[:-1],
               "sha256": hashlib.sha256(body).hexdigest(), "reused": report["num_connects"] == 0})
        return answers


class Node:
    def __init__(self, origin, authority):
        self.command = [program("node"), f"{BACKENDS}/http_client.mjs", origin, authority]

    def run(self, cases):
        done = subprocess.run(self.command, input=json.dumps(cases).encode(), capture_output=True, check=True,
                 timeout=patience(60))
        return json.loads(done.stdout)


@pytest.fixture(params=["curl", "curl over TLS", "node", "node over TLS"])
def client(request, gateway, curl, authority, tmp_path):
    # By address: not every machine has a hosts file that knows localhost.
    origin = f"https://127.0.0.1:{gateway.tls_port}" if "TLS" in request.param else f"http://127.0.0.1:{gateway.port}"
    if request.param.startswith("curl"):
        return Curl(curl, origin, authority.path, tmp_path)
    return Node(origin, authority.path)


def test_response_bodies_of_every_framing(client):
    sizes = [0, 1, 1000, 65_536, 300_000]
    cases = [{"path": f"{path}?n={size}"} for path in ("/bytes", "/chunked") for size in sizes]
    answers = client.run(cases)
    for case, answer, size in zip(cases, answers, sizes * 2):
        assert (answer["status"], answer["bytes"]) == (200, size), case
        assert answer["sha256"] == hashlib.sha256(poured(size)).hexdigest(), case
    assert [answer["reused"] for answer in answers] == [False] + [True] * 9


def test_response_that_ends_with_its_connection(client):
    ended, after = client.run([{"path": "/until-close?n=50000"}, {"path": "/bytes?n=5"}])
    assert (ended["status"], ended["sha256"]) == (200, hashlib.sha256(b"x" * 50_000).hexdigest())
    assert (after["status"], after["bytes"]) == (200, 5)


def test_heads_have_no_body(client):
    cases = [{"method": "HEAD", "path": path} for path in ("/bytes?n=12345", "/chunked?n=10", "/status?code=204")]
    answers = client.run([*cases, {"path": "/bytes?n=3"}])
    assert [answer["status"] for answer in answers] == [200, 200, 204, 200]
    assert [answer["bytes"] for answer in answers] == [0, 0, 0, 3]
    assert answers[1]["reused"] and answers[3]["reused"]  # Node gives up a connection after a HEAD that named no length


def test_every_class_of_status(client):
    answers = client.run([{"path": f"/status?code={code}"} for code in STATUSES])
    assert [answer["status"] for answer in answers] == STATUSES
    for code, answer in zip(STATUSES, answers):
        assert answer["bytes"] == (0 if code in (204, 304) else len(json.dumps({"code": code}, separators=(",", ":"))))
    assert all(answer["reused"] for answer in answers[1:])


def test_interim_responses(client):
    hinted, continued = client.run([
        {"path": "/early-hints"},
        {"method": "POST", "path": "/echo", "body_bytes": 2000, "headers": {"Expect": "100-continue"}}])
    assert (hinted["status"], hinted["interim"]) == (200, [103])
    assert continued["status"] == 200
    assert continued["interim"] in ([], [100])  # Node tells of a 100 by another event, after which alone it sends


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_request_bodies_of_every_framing(client, gateway, method, chunked):
    sizes = [1, 1000, 65_536, 300_000]
    mark = gateway.mark()
    answers = client.run([{"method": method, "path": "/echo", "body_bytes": size, "chunked": chunked} for size in sizes])
    assert [answer["status"] for answer in answers] == [200] * len(sizes)
    for size in sizes:  # the backend says what arrived; the gateway says what it passed on
        gateway.wait_for("exchange", since=mark, method=method, request_bytes=size, status=200)


@pytest.mark.parametrize("path", ["/cut?n=1000&of=2000", "/cut?n=1000"], ids=["length", "chunked"])
def test_body_that_is_cut_is_an_error(client, path):
    cut, after = client.run([{"path": path}, {"path": "/bytes?n=5"}])
    assert cut["error"] in (18, 56, "ECONNRESET") and cut["bytes"] <= 1000
    assert (after["status"], after["bytes"]) == (200, 5)


# The example for many hosts: a client finds its site by name

def test_example_of_many_hosts(start_gateway, authority, node_http, start_backend):
    names = {"ecdsa": authority.issue("many-ecdsa", ["*.example.com"]),
             "rsa": authority.issue("many-rsa", ["*.example.com"], kind="rsa"),
             "org": authority.issue("many-org", ["www.example.org"])}
    inside = authority.issue("blog.internal", ["blog.internal"])
    blog = start_backend(backends.node, "node_http.mjs", "blog", inside.certificate, inside.key)
    gateway = start_gateway(example("many_hosts_tls.yaml", {
        '":443"': '"127.0.0.1:0"', '":80"': '"127.0.0.1:0"',
        '"http://10.0.1.11:8000", "http://10.0.1.12:8000", "http://10.0.1.13:8000"': f'"{node_http.url}"',
        "https://blog.internal:8443": f"https://127.0.0.1:{blog.port}",
        "ca: /etc/postern/tls/internal-ca.pem": f"ca: {authority.path}\n    server_name: blog.internal",
        "http://10.0.2.10:9000": node_http.url,
        "/etc/postern/tls/example.com.ecdsa.pem": names["ecdsa"].certificate,
        "/etc/postern/tls/example.com.ecdsa.key": names["ecdsa"].key,
        "/etc/postern/tls/example.com.rsa.pem": names["rsa"].certificate,
        "/etc/postern/tls/example.com.rsa.key": names["rsa"].key,
        "/etc/postern/tls/example.org.pem": names["org"].certificate,
        "/etc/postern/tls/example.org.key": names["org"].key}))
    trust = ssl.create_default_context(cafile=authority.path)
    for host, route in [("shop.example.com", "shop"), ("any.example.com", "tenants"), ("www.example.org", "blog")]:
        mark = gateway.mark()
        with Connection(gateway.tls_port, tls=trust, name=host) as connection:
            assert connection.request("GET", "/whoami", host=host).status == 200
        gateway.wait_for("exchange", since=mark, route=route, status=200)
    with Connection(gateway.tls_port, tls=trust, name="shop.example.com") as connection:
        assert connection.request("POST", "/checkout", body=b"x" * 65_537, host="shop.example.com").status == 413
    assert fetch(gateway.port, target="/a", host="shop.example.com").header("location").startswith("https://shop.example.com")
