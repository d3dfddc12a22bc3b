"""HTTP/1.1 through the gateway: every framing, connection reuse, interim responses, trailers, early answers, retries."""

import hashlib
import json
import os
import socket
import subprocess
import threading

import pytest

from configs import plain_listener, simple, tls_listener
from raw import Connection, Truncated, fetch
from scripted import answer_ok, answer_with
from settings import patience

COUNTING = bytes(range(251))


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, site):
    return start_shared_gateway(simple(node_http, listeners=[plain_listener(), tls_listener(site)]))


def pairs_of(answer, name):
    return [value for key, value in answer["headers"] if key.lower() == name]


# Requests

@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_method_and_target_arrive_unchanged(gateway, method):
    answer = fetch(gateway.port, method, "/echo/a%20b?x=%2F&y=1&y=2", body=b"" if method == "POST" else None).json()
    assert (answer["method"], answer["target"]) == (method, "/echo/a%20b?x=%2F&y=1&y=2")


@pytest.mark.parametrize("size", [0, 1, 1000, 65_536, 3_000_000])
def test_body_with_length_arrives_unchanged(gateway, size):
    body = os.urandom(size)
    answer = fetch(gateway.port, "POST", "/echo", body=body).json()
    assert (answer["body_bytes"], answer["body_sha256"]) == (size, hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("sizes", [[1], [5, 1, 70_000], [65_536] * 20, []])
def test_chunked_body_arrives_unchanged(gateway, sizes):
    chunks = [os.urandom(size) for size in sizes]
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    answer = fetch(gateway.port, "POST", "/echo", {"Transfer-Encoding": "chunked"}, body).json()
    assert answer["body_sha256"] == hashlib.sha256(b"".join(chunks)).hexdigest()
    assert answer["body_bytes"] == sum(sizes)


def test_request_arrives_whole_when_sent_byte_by_byte(gateway):
    request = b"POST /echo?slow HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with Connection(gateway.port) as connection:
        for byte in request:
            connection.send(bytes([byte]))
        answer = connection.read_response().json()
    assert (answer["target"], answer["body_sha256"]) == ("/echo?slow", hashlib.sha256(b"abc").hexdigest())


def test_request_trailers_are_dropped(gateway):
    body = b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\nX-Trailer: y\r\n\r\n"
    answer = fetch(gateway.port, "POST", "/echo", {"Transfer-Encoding": "chunked"}, body).json()
    assert answer["body_bytes"] == 3 and answer["trailers"] == []
    assert pairs_of(answer, "authorization") == pairs_of(answer, "x-trailer") == []


def test_expect_continue_is_answered_before_the_body(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read_head().status == 100
        connection.send(b"hello")
        assert connection.read_response().json()["body_bytes"] == 5


def test_expectation_that_nobody_knows_is_417(gateway):
    response = fetch(gateway.port, "POST", "/echo", {"Expect": "200-maybe"}, b"x")
    assert (response.status, response.json()["error"]) == (417, "expectation_failed")


# Responses

@pytest.mark.parametrize("path, framing", [("/bytes", "length"), ("/chunked", "chunked")])
@pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_000])
def test_response_body_arrives_unchanged(gateway, path, framing, size):
    response = fetch(gateway.port, target=f"{path}?n={size}")
    assert response.status == 200 and response.framing == framing
    block = node_pattern()
    assert response.body == (block * (size // len(block) + 1))[:size]


def node_pattern():
    """What node_http.mjs pours: 64 KiB of counting bytes, again and again."""
    return (COUNTING * (65536 // 251 + 1))[:65536]


def test_response_that_ends_with_its_connection_arrives_whole(gateway):
    response = fetch(gateway.port, target="/until-close?n=50000")
    assert response.body == b"x" * 50_000


def test_http_1_0_client_gets_a_response_it_can_delimit(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"GET /chunked?n=1000 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        response = connection.read_response()
        assert response.framing in ("close", "length") and len(response.body) == 1000
        assert connection.at_end()


def test_head_has_the_fields_and_no_body(gateway):
    with Connection(gateway.port) as connection:
        response = connection.request("HEAD", "/bytes?n=12345")
        assert (response.status, response.header("content-length")) == (200, "12345")
        response = connection.request("HEAD", "/chunked?n=10")
        assert response.status == 200
        assert connection.request("GET", "/bytes?n=3").body == node_pattern()[:3]


@pytest.mark.parametrize("code", [200, 201, 204, 206, 302, 304, 400, 404, 418, 500, 503])
def test_status_passes_and_the_connection_lives_on(gateway, code):
    with Connection(gateway.port) as connection:
        assert connection.request("GET", f"/status?code={code}").status == code
        assert connection.request("GET", "/whoami").status == 200


def test_early_hints_pass(gateway):
    response = fetch(gateway.port, target="/early-hints")
    assert [hint.status for hint in response.interim] == [103]
    assert response.interim[0].header("link") == "</style.css>; rel=preload; as=style"
    assert response.json() == {"hinted": True}


def test_response_trailers_never_break_the_message(gateway):
    with Connection(gateway.port) as connection:
        response = connection.request("GET", "/trailers", {"TE": "trailers"})
        assert response.body == b"with trailers"
        assert response.trailers in ([], [("X-Checksum", "abc123")])
        assert connection.request("GET", "/whoami").status == 200


def test_cookies_pass_byte_for_byte(gateway):
    response = fetch(gateway.port, target="/cookies", headers={"Cookie": "a=1; b=\"2\""})
    assert response.all("set-cookie") == [
        "refresh=abc; HttpOnly; Path=/api/token/; SameSite=Lax",
        "session=1,2; Secure; SameSite=None; Expires=Wed, 01 Jan 2031 00:00:00 GMT"]
    assert response.json()["cookie"] == 'a=1; b="2"'


def test_events_arrive_one_by_one(gateway):
    with Connection(gateway.port) as reader:
        reader.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        head = reader.read_head()
        assert head.header("content-type") == "text/event-stream"
        reader.take_until(b": open\n\n")
        for number in range(5):
            # The next event is only made when the one before has been seen: a proxy that gathers would hang here.
            assert fetch(gateway.port, target=f"/events/push?data={number}").json()["streams"] == 1
            reader.take_until(f"data: {number}\n\n".encode())
        fetch(gateway.port, target="/events/close")
        reader.take_until(b"0\r\n\r\n")


@pytest.mark.parametrize("target", ["/cut?n=1000&of=5000", "/cut?n=1000"])
def test_truncated_response_never_looks_complete(gateway, target):
    mark = gateway.mark()
    with pytest.raises(Truncated) as caught:
        fetch(gateway.port, target=target)
    assert caught.value.response.status == 200
    line = gateway.wait_for("exchange", since=mark, target=target)
    assert (line["cause"], line["stage"], line["fault"]) == ("upstream_closed", "response_body", "upstream")


def test_truncated_response_over_tls_never_looks_complete(gateway, trust):
    with pytest.raises(Truncated):
        fetch(gateway.tls_port, target="/cut?n=1000&of=5000", tls=trust)


def test_early_response_reaches_a_client_that_still_sends(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 10_000)
        assert connection.read_response().json() == {"early": True}


# Connections

def test_connection_is_kept_for_many_requests(gateway):
    with Connection(gateway.port) as connection:
        for number in range(200):
            answer = connection.request("POST", f"/echo?{number}", body=b"x" * number).json()
            assert (answer["target"], answer["body_bytes"]) == (f"/echo?{number}", number)


def test_connection_close_is_honoured(gateway):
    with Connection(gateway.port) as connection:
        response = connection.request("GET", "/whoami", {"Connection": "close"})
        assert response.status == 200 and response.header("connection", "").lower() == "close"
        assert connection.at_end()


def test_close_of_the_backend_does_not_close_the_client(gateway):
    with Connection(gateway.port) as connection:
        for _ in range(3):
            assert connection.request("GET", "/close").status == 200


def test_http_1_0_connection_is_closed_unless_kept(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"GET /whoami HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert connection.read_response().status == 200
        assert connection.at_end()


def test_pipelined_requests_are_answered_in_order(gateway):
    requests = b"".join(
        b"POST /echo?%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (number, number, b"x" * number)
        for number in range(30))
    with Connection(gateway.port) as connection:
        connection.send(requests)
        for number in range(30):
            answer = connection.read_response().json()
            assert (answer["target"], answer["body_bytes"]) == (f"/echo?{number}", number)


def test_pipelined_requests_reach_the_endpoint_one_at_a_time(start_gateway, endpoint):
    release = threading.Event()

    def script(peer):
        while (request := peer.read_request()) is not None:
            if b"/first" in request[0]:
                assert release.wait(patience(10))
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream = endpoint(script)
    gateway = start_gateway(simple(upstream))
    with Connection(gateway.port) as connection:
        connection.send(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n")
        upstream.wait_until(lambda: len(upstream.requests) == 1)
        # Another client's whole exchange fits in between, and still the second request has not gone out.
        assert fetch(gateway.port, target="/other").body == b"ok"
        assert not any(b"/second" in head for head, _ in upstream.requests)
        release.set()
        assert connection.read_response().body == connection.read_response().body == b"ok"
    assert [head.split(b" ")[1] for head, _ in upstream.requests] == [b"/first", b"/other", b"/second"]


def test_client_that_ends_its_side_while_it_waits_for_events_is_taken_to_have_left(gateway):
    """A page that goes away looks the same, and for long nothing might be sent that shows it. Other requests: test_ends.py."""
    mark = gateway.mark()
    with Connection(gateway.port) as connection:
        connection.send(b"GET /hold?name=half HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        assert fetch(gateway.port, target="/held?name=half").status == 200
        connection.finish()
        line = gateway.wait_for("exchange", since=mark, target="/hold?name=half")
        assert (line["cause"], line["fault"]) == ("client_closed", "client")


def test_request_whose_client_left_in_the_same_moment_is_not_begun(gateway):
    mark = gateway.mark()
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # the request and the end leave in one piece
        client.sendall(b"GET /hold?name=corked HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    line = gateway.wait_for("exchange", since=mark, target="/hold?name=corked")
    assert (line["cause"], line["attempts"]) == ("client_closed", 0)


def test_client_that_leaves_is_logged_as_such(gateway):
    mark = gateway.mark()
    connection = Connection(gateway.port)
    connection.send(b"GET /hold?name=left HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert fetch(gateway.port, target="/held?name=left").status == 200
    connection.reset()
    line = gateway.wait_for("exchange", since=mark, target="/hold?name=left")
    assert (line["cause"], line["fault"]) == ("client_closed", "client")


# Retries

def test_request_goes_to_another_endpoint_when_one_refuses(start_gateway, endpoint, node_http):
    closed = endpoint()
    closed.stop()
    gateway = start_gateway(simple(closed, node_http, workers=1))
    for number in range(6):
        response = fetch(gateway.port, "POST", "/echo", body=b"x" * number)
        assert response.status == 200 and response.json()["body_bytes"] == number
        assert gateway.exchange(response)["endpoint"] in (node_http.url, f"127.0.0.1:{node_http.port}")


def test_idempotent_request_is_retried_when_the_connection_dies_unanswered(start_gateway, endpoint):
    def dies(peer):
        peer.read_request()

    dying, living = endpoint(dies), endpoint(answer_ok)
    gateway = start_gateway(simple(dying, living, workers=1))
    for _ in range(4):
        assert fetch(gateway.port, target="/again").status == 200
    assert dying.requests, "the dying endpoint was never tried"


def test_post_with_a_body_is_not_sent_twice(start_gateway, endpoint):
    def dies(peer):
        peer.read_request()

    first, second = endpoint(dies), endpoint(dies)
    gateway = start_gateway(simple(first, second, workers=1))
    response = fetch(gateway.port, "POST", "/order", body=b"one pizza")
    assert (response.status, response.json()["error"]) == (502, "upstream_closed")
    assert len(first.requests) + len(second.requests) == 1


def test_stale_pooled_connection_costs_no_request(start_gateway, endpoint):
    def one_answer_then_gone(peer):
        if peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream = endpoint(one_answer_then_gone)
    gateway = start_gateway(simple(upstream, workers=1))
    with Connection(gateway.port) as connection:
        for _ in range(20):
            assert connection.request("GET", "/x").body == b"ok"


def test_connections_to_the_endpoint_are_reused(start_gateway, endpoint):
    upstream = endpoint(answer_ok)
    gateway = start_gateway(simple(upstream, workers=1))
    for _ in range(10):
        assert fetch(gateway.port, target="/x").status == 200
    assert len(upstream.peers) == 1


def test_silent_endpoint_is_504_in_time(start_gateway, endpoint):
    def silent(peer):
        peer.read_request()
        while peer.fill():
            pass

    gateway = start_gateway(simple(endpoint(silent), upstream_options={"timeouts": {"response": "300ms"}}))
    response = fetch(gateway.port, target="/x")
    assert (response.status, response.json()["error"]) == (504, "upstream_timed_out")
    line = gateway.exchange(response)
    assert (line["cause"], line["stage"]) == ("upstream_timed_out", "response_head")


def test_endpoint_that_stalls_in_its_body_is_cut(start_gateway, endpoint):
    gateway = start_gateway(simple(
        endpoint(answer_with(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", close=False)),
        upstream_options={"timeouts": {"idle": "300ms"}}))
    mark = gateway.mark()
    with pytest.raises(Truncated):
        fetch(gateway.port, target="/x")
    line = gateway.wait_for("exchange", since=mark)
    assert (line["cause"], line["stage"]) == ("upstream_timed_out", "response_body")


# A well-known client

def test_curl_speaks_to_the_gateway_over_tls(gateway, curl, authority, tmp_path):
    body = os.urandom(2_000_000)
    (tmp_path / "body").write_bytes(body)
    base = f"https://localhost:{gateway.tls_port}"
    common = [curl, "--silent", "--show-error", "--fail", "--cacert", authority.path, "--resolve",
              f"localhost:{gateway.tls_port}:127.0.0.1"]
    for extra in ([], ["--header", "Transfer-Encoding: chunked"]):
        sent = subprocess.run(common + extra + ["--data-binary", f"@{tmp_path}/body", base + "/echo"],
                              capture_output=True, check=True, timeout=patience(30))
        assert json.loads(sent.stdout)["body_sha256"] == hashlib.sha256(body).hexdigest()
    got = subprocess.run(common + [base + "/chunked?n=300000", base + "/bytes?n=100000"],
                         capture_output=True, check=True, timeout=patience(30))
    assert len(got.stdout) == 400_000
    failed = subprocess.run(common + [base + "/cut?n=1000&of=2000"], capture_output=True, check=False, timeout=patience(30))
    assert failed.returncode == 18 and len(failed.stdout) == 1000
