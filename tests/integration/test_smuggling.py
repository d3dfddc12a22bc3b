"""Bytes that two readers could understand differently: refused, closed, and never seen by an endpoint.

The cases are those that llhttp 8.1 in strict mode lets through, those its loose mode lets through, and the classics."""

import pytest

from configs import simple
from raw import Connection, Truncated, fetch
from scripted import ScriptedEndpoint, answer_ok
from websocket_client import WebSocket, accept_for

HOST = b"Host: localhost\r\n"


def get(*lines, target=b"/victim", version=b"HTTP/1.1", host=HOST):
    return b"GET " + target + b" " + version + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines, body=b"", version=b"HTTP/1.1"):
    return b"POST /victim " + version + b"\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"0\r\n\r\n"

# Refused while the head is read: nothing at all may reach the endpoint.
BAD_HEADS = {
    # framing
    "length and chunked": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=CHUNKED + SMUGGLED),
    "chunked and length": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=CHUNKED + SMUGGLED),
    "two different lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "two equal lengths": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "list of lengths": post(b"Content-Length: 5, 5", body=b"hello"),
    "empty length": post(b"Content-Length:", body=b""),
    "length with sign": post(b"Content-Length: +5", body=b"hello"),
    "negative length": post(b"Content-Length: -1", body=b""),
    "hexadecimal length": post(b"Content-Length: 0x5", body=b"hello"),
    "length with space inside": post(b"Content-Length: 1 0", body=b"helloworld"),
    "length with exponent": post(b"Content-Length: 1e1", body=b"helloworld"),
    "length beyond 64 bits": post(b"Content-Length: 18446744073709551621", body=b"hello"),
    "length of 400 digits": post(b"Content-Length: " + b"0" * 399 + b"5", body=b"hello"),
    "empty transfer-encoding": post(b"Transfer-Encoding:", body=b""),
    "empty transfer-encoding with length": post(b"Transfer-Encoding:", b"Content-Length: 5", body=b"hello"),
    "chunked and an empty one": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding:", body=CHUNKED),
    "chunked twice": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKED),
    "chunked twice in a list": post(b"Transfer-Encoding: chunked, chunked", body=CHUNKED),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKED),
    "identity, chunked": post(b"Transfer-Encoding: identity, chunked", body=CHUNKED),
    "chunked, identity": post(b"Transfer-Encoding: chunked, identity", body=CHUNKED),
    "chunked not last": post(b"Transfer-Encoding: chunked, gzip", body=CHUNKED),
    "identity": post(b"Transfer-Encoding: identity", b"Content-Length: 5", body=b"hello"),
    "xchunked": post(b"Transfer-Encoding: xchunked", body=CHUNKED),
    "quoted chunked": post(b'Transfer-Encoding: "chunked"', body=CHUNKED),
    "chunked with parameter": post(b"Transfer-Encoding: chunked;x=1", body=CHUNKED),
    "chunked after vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED),
    "chunked in HTTP/1.0": post(b"Transfer-Encoding: chunked", version=b"HTTP/1.0", body=CHUNKED),
    # lines and fields
    "folded field": get(b"Foo: bar\r\n Content-Length: 38"),
    "folded field with tab": get(b"Foo: bar\r\n\tbaz"),
    "folded transfer-encoding": post(b"Transfer-Encoding:\r\n chunked", body=CHUNKED),
    "folded first field": b"GET /victim HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "bare LF ends the head": b"GET /victim HTTP/1.1\r\nHost: localhost\r\n\n",
    "bare LF between fields": b"GET /victim HTTP/1.1\r\nHost: localhost\nX-One: 1\r\n\r\n",
    "bare LF after the request line": b"GET /victim HTTP/1.1\nHost: localhost\r\n\r\n",
    "bare LF everywhere": b"GET /victim HTTP/1.1\nHost: localhost\n\n",
    "bare CR between fields": b"GET /victim HTTP/1.1\r\nHost: localhost\rX-One: 1\r\n\r\n",
    "CR before transfer-encoding": post(b"x:\rTransfer-Encoding: chunked", body=CHUNKED),
    "CR instead of the last CRLF": b"GET /victim HTTP/1.1\r\nHost: localhost\r\n\rXGET /smuggled HTTP/1.1\r\n\r\n",
    "CR in a value": get(b"X-One: a\rb"),
    "NUL in a value": get(b"X-One: a\x00b"),
    "control byte in a value": get(b"X-One: a\x01b"),
    "DEL in a value": get(b"X-One: a\x7fb"),
    "space before the colon": get(b"X-One : 1"),
    "tab before the colon": get(b"X-One\t: 1"),
    "space before the colon of content-length": post(b"Content-Length : 5", body=b"hello"),
    "space in a name": get(b"X One: 1"),
    "no colon": get(b"X-One"),
    "empty name": get(b": value"),
    "high byte in a name": get(b"X-\xe9: 1"),
    "NUL in a name": get(b"X-\x00One: 1"),
    "parenthesis in a name": get(b"X(One): 1"),
    # the request line
    "two spaces before the target": b"GET  /victim HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces before the version": b"GET /victim  HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the target": b"GET /victim x HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab in the request line": b"GET\t/victim HTTP/1.1\r\n" + HOST + b"\r\n",
    "lower case method": b"get /victim HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /victim\r\n" + HOST + b"\r\n",
    "space after the version": b"GET /victim HTTP/1.1 \r\n" + HOST + b"\r\n",
    "lower case protocol": get(version=b"http/1.1"),
    "no such protocol": get(version=b"HTTPS/1.1"),
    "icecast protocol": b"SOURCE /victim ICE/1.0\r\n" + HOST + b"\r\n",
    "rtsp protocol": b"OPTIONS /victim RTSP/1.0\r\n" + HOST + b"\r\n",
    "thousands of empty lines first": b"\r\n" * 20_000 + get(),
    "not HTTP at all": b"\x05\x01\x00 hello there\r\n\r\n",
    # Host
    "no host": get(host=b""),
    "two hosts": get(b"Host: other"),
    "two equal hosts": get(b"Host: localhost"),
    "empty host": get(host=b"Host:\r\n"),
    "list of hosts": get(host=b"Host: localhost, other\r\n"),
    "user in host": get(host=b"Host: user@localhost\r\n"),
    "path in host": get(host=b"Host: localhost/x\r\n"),
    "space in host": get(host=b"Host: local host\r\n"),
    "bad port in host": get(host=b"Host: localhost:8x\r\n"),
    "absolute target against host": get(target=b"http://other/victim"),
    # the target
    "fragment in the target": get(target=b"/victim#x"),
    "angle bracket in the target": get(target=b"/victim<x"),
    "quote in the target": get(target=b'/victim"x'),
    "brace in the target": get(target=b"/victim{x}"),
    "bar in the target": get(target=b"/victim|x"),
    "caret in the target": get(target=b"/victim^x"),
    "backtick in the target": get(target=b"/victim`x"),
    "backslash in the target": get(target=b"/victim\\x"),
    "high byte in the target": get(target=b"/victim\xe9"),
    "NUL in the target": get(target=b"/victim\x00"),
    "no slash in front": get(target=b"victim"),
    "other scheme": get(target=b"ftp://localhost/victim"),
    "user in the target": get(target=b"http://user:pass@localhost/victim"),
    "asterisk with GET": get(target=b"*"),
    "encoded NUL": get(target=b"/victim%00"),
    "encoded slash": get(target=b"/victim%2fx"),
    "encoded backslash": get(target=b"/victim%5cx"),
    "half an escape": get(target=b"/victim%2"),
    "no escape at all": get(target=b"/victim%zz"),
    "path above the root": get(target=b"/../victim"),
    "encoded path above the root": get(target=b"/%2e%2e/victim"),
}

# Answered with one of these instead of 400.
OTHER_STATUS = {
    "thousands of empty lines first": {400, 431, 414},
    "icecast protocol": {400, 505}, "rtsp protocol": {400, 505}, "no such protocol": {400, 505},
    "lower case protocol": {400, 505}, "no version": {400, 505},
    "length of 400 digits": {400, 413}, "length beyond 64 bits": {400, 413},
    "lower case method": {400, 405, 501},
}

# Versions that are not served: the answer may say so.
BAD_VERSIONS = [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/11", b"HTTP/1.10", b"HTTP/1"]

# The head is good, the body is not: the endpoint may see a beginning, but never a whole request, and nothing after it.
TE = b"Transfer-Encoding: chunked"
BAD_BODIES = {
    "size is not a number": post(TE, body=b"x\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "empty size": post(TE, body=b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "size with sign": post(TE, body=b"+5\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "size with 0x": post(TE, body=b"0x5\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "size with space in front": post(TE, body=b" 5\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "size beyond 64 bits": post(TE, body=b"10000000000000005\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "data longer than its size": post(TE, body=b"5\r\nhelloXX0\r\n\r\n" + SMUGGLED),
    "CR X instead of CRLF after the size": post(TE, body=b"5\rXhello\r\n0\r\n\r\n" + SMUGGLED),
    "bare LF after the size": post(TE, body=b"5\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "bare LF after the data": post(TE, body=b"5\r\nhello\n0\r\n\r\n" + SMUGGLED),
    "bare LF ends the body": post(TE, body=b"5\r\nhello\r\n0\r\n\n" + SMUGGLED),
    "CR X ends the body": post(TE, body=b"0\r\n\rX" + SMUGGLED),
    "bare CR in an extension": post(TE, body=b"5;a\rb\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "bare LF in an extension": post(TE, body=b"5;a\nb\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "endless extension": post(TE, body=b"5;" + b"a" * 200_000 + b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "many zeros in front of a size": post(TE, body=b"0" * 100_000 + b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
    "folded trailer": post(TE, body=b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n" + SMUGGLED),
    "trailer without colon": post(TE, body=b"5\r\nhello\r\n0\r\nX\r\n\r\n" + SMUGGLED),
    "endless trailers": post(TE, body=b"5\r\nhello\r\n0\r\n" + b"X: a\r\n" * 40_000 + b"\r\n" + SMUGGLED),
}


@pytest.fixture(scope="module")
def upstream():
    with ScriptedEndpoint(answer_ok) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, upstream):
    return start_shared_gateway(simple(upstream, workers=1))


def send_and_read(gateway, data):
    """What a client gets for these bytes: (response or None, what came after it until the close)."""
    with Connection(gateway.port) as connection:
        try:
            connection.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while we still sent; the answer may be there all the same
        try:
            response = connection.read_response()
        except Truncated:
            response = None
        return response, connection.read_to_end()


def assert_nothing_arrived(gateway, upstream, before):
    """A good request on another connection comes through, and it is the only thing that did."""
    assert fetch(gateway.port, target="/sentinel").status == 200
    assert [head.split(b" ")[1] for head, _ in upstream.requests[before:]] == [b"/sentinel"]


@pytest.mark.parametrize("name", BAD_HEADS)
def test_ambiguous_head_is_refused_and_closed(gateway, upstream, name):
    before, seen, mark = len(upstream.requests), len(upstream.received()), gateway.mark()
    response, rest = send_and_read(gateway, BAD_HEADS[name])
    assert response is not None, "closed without an answer"
    assert response.status in OTHER_STATUS.get(name, {400})
    assert rest == b"", "something was answered after the refusal"
    assert_nothing_arrived(gateway, upstream, before)
    assert b"victim" not in upstream.received()[seen:] and b"smuggled" not in upstream.received()[seen:]
    line = gateway.wait_for("exchange", since=mark, cause=lambda cause: cause is not None)
    assert line["fault"] == "client" and line["detail"], line


@pytest.mark.parametrize("version", BAD_VERSIONS)
def test_other_versions_are_refused_and_closed(gateway, upstream, version):
    before = len(upstream.requests)
    response, rest = send_and_read(gateway, get(version=version) + SMUGGLED)
    assert response is not None and response.status in (400, 505) and rest == b""
    assert_nothing_arrived(gateway, upstream, before)


@pytest.mark.parametrize("name", BAD_BODIES)
def test_ambiguous_body_never_becomes_a_request(gateway, upstream, name):
    before, mark = len(upstream.requests), gateway.mark()
    response, rest = send_and_read(gateway, BAD_BODIES[name])
    assert rest == b"" and (response is None or response.status in (400, 413, 431))
    assert_nothing_arrived(gateway, upstream, before)
    line = gateway.wait_for("exchange", since=mark, cause=lambda cause: cause is not None)
    assert line["fault"] == "client", line


def test_connect_is_refused_and_closed(gateway, upstream):
    before = len(upstream.requests)
    data = b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n" + SMUGGLED
    response, rest = send_and_read(gateway, data)
    assert response is not None and response.status in (400, 405, 501) and rest == b""
    assert_nothing_arrived(gateway, upstream, before)


# What may be taken, but only in one reading

@pytest.mark.parametrize("digits", [b"00004", b"4"])
def test_length_is_written_anew(gateway, upstream, digits):
    before = len(upstream.requests)
    response, _ = send_and_read(gateway, post(b"Content-Length: " + digits, b"Connection: close", body=b"abcd"))
    if digits == b"4":
        assert response.status == 200
    if response.status == 200:
        head, body = upstream.requests[before]
        assert b"content-length: 4\r\n" in head.lower() and body == b"abcd"
    else:
        assert response.status == 400 and len(upstream.requests) == before


def test_chunks_are_written_anew(gateway, upstream):
    before = len(upstream.requests)
    body = b"5;name=value\r\nhello\r\n00006\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
    response, _ = send_and_read(gateway, post(TE, b"Connection: close", body=body))
    assert response.status == 200 and upstream.requests[before][1] == b"hello world"
    sent = bytes(upstream.peers[-1].received)
    assert b"name=value" not in sent and b"00006" not in sent and b"X-Trailer" not in sent


def test_connection_cannot_name_fields_that_must_survive(gateway, upstream):
    before = len(upstream.requests)
    lines = (b"Connection: close, X-Forwarded-For, X-Private, Content-Length, Host, Authorization", b"X-Private: 1",
             b"Authorization: Bearer kept", b"Content-Length: 4")
    response, _ = send_and_read(gateway, post(*lines, body=b"abcd"))
    if response.status == 200:
        head, body = upstream.requests[before]
        names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
        assert body == b"abcd" and {b"host", b"x-forwarded-for", b"authorization"} <= set(names)
        assert b"x-private" not in names
    else:
        assert response.status == 400 and len(upstream.requests) == before


def test_dot_segments_never_reach_the_endpoint(gateway, upstream):
    for target in (b"/public/../victim", b"/public/./victim", b"/public/%2e%2e/victim", b"/public/.%2E/victim"):
        before = len(upstream.requests)
        response, _ = send_and_read(gateway, get(b"Connection: close", target=target))
        assert response.status in (200, 400)
        for head, _ in upstream.requests[before:]:
            assert b".." not in head.split(b" ")[1] and b"%2e" not in head.split(b" ")[1].lower()


def test_rule_for_a_prefix_cannot_be_walked_around(start_gateway, endpoint):
    public, private = endpoint(answer_ok), endpoint(answer_ok)
    gateway = start_gateway({
        "upstreams": {"public": {"endpoints": [public.url]}, "private": {"endpoints": [private.url]}},
        "routes": [{"name": "public", "match": {"path": "/api/"}, "upstream": "public"},
                   {"name": "private", "match": {"path": "/private"}, "upstream": "private"}]})
    for target in (b"/api/../private", b"/api/%2e%2e/private", b"/api/..%2fprivate", b"/api/..\\private", b"/api//../../private"):
        send_and_read(gateway, get(b"Connection: close", target=target))
    assert all(b"private" not in head.split(b" ")[1] for head, _ in public.requests)


# Upgrades as a vehicle

UPGRADE = [b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
           b"Sec-WebSocket-Version: 13"]


def test_bytes_after_a_refused_upgrade_are_no_tunnel(start_gateway, endpoint):
    def refuses(peer):
        while peer.read_request() is not None:
            peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")

    upstream = endpoint(refuses)
    gateway = start_gateway({
        "upstreams": {"api": {"endpoints": [upstream.url]}},
        "routes": [{"name": "all", "match": {"path": "/open"}, "upstream": "api"}]})
    secret = b"GET /closed HTTP/1.1\r\nHost: localhost\r\n\r\n"
    response, rest = send_and_read(gateway, get(*UPGRADE, target=b"/open") + secret)
    assert response.status == 403
    assert rest == b"" or rest.startswith(b"HTTP/1.1 404 ")  # closed, or read as the request it is
    assert b"/closed" not in upstream.received()


@pytest.mark.parametrize("lines", [
    [b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__"],
    [b"Upgrade: websocket", b"Proxy-Connection: upgrade"],
    [b"Upgrade: TLS/1.0", b"Connection: Upgrade"],
])
def test_other_upgrades_never_open_a_tunnel(gateway, upstream, lines):
    before, seen = len(upstream.requests), len(upstream.received())
    response, rest = send_and_read(gateway, get(*lines, target=b"/plain") + get(b"Connection: close", target=b"/next"))
    assert response is not None and response.status != 101
    sent = upstream.received()[seen:].lower()
    assert b"upgrade:" not in sent and b"http2-settings" not in sent
    # The second request is answered as one of its own, or the connection was closed.
    assert rest == b"" or rest.startswith(b"HTTP/1.1 ")
    assert [head.split(b" ")[1] for head, _ in upstream.requests[before:]] in ([], [b"/plain"], [b"/plain", b"/next"], [b"/next"])


# The same from the endpoint's side

def ok(*lines, body=b"", status=b"HTTP/1.1 200 OK"):
    return status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


BAD_RESPONSES = {
    "length and chunked": ok(b"Content-Length: 5", TE, body=b"0\r\n\r\n"),
    "two lengths": ok(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "list of lengths": ok(b"Content-Length: 5, 6", body=b"hello!"),
    "length with sign": ok(b"Content-Length: +5", body=b"hello"),
    "chunked not last": ok(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "folded field": ok(b"X-One: a\r\n b", b"Content-Length: 0"),
    "bare LF ends the head": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
    "bare CR in the head": b"HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n",
    "space before the colon": ok(b"X-One : 1", b"Content-Length: 0"),
    "empty name": ok(b": x", b"Content-Length: 0"),
    "NUL in a value": ok(b"X-One: a\x00b", b"Content-Length: 0"),
    "NUL in the reason": ok(b"Content-Length: 0", status=b"HTTP/1.1 200 O\x00K"),
    "one-digit status": ok(b"Content-Length: 0", status=b"HTTP/1.1 2 OK"),
    "status zero": ok(b"Content-Length: 0", status=b"HTTP/1.1 000 OK"),
    "four-digit status": ok(b"Content-Length: 0", status=b"HTTP/1.1 2000 OK"),
    "two spaces before the status": ok(b"Content-Length: 0", status=b"HTTP/1.1  200 OK"),
    "HTTP/0.9": ok(b"Content-Length: 0", status=b"HTTP/0.9 200 OK"),
    "HTTP/2.0": ok(b"Content-Length: 0", status=b"HTTP/2.0 200 OK"),
    "not HTTP": b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "unasked 101": ok(b"Upgrade: websocket", b"Connection: Upgrade", status=b"HTTP/1.1 101 Switching Protocols"),
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"a" * 2_000_000,
    "endless interim responses": b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000 + ok(b"Content-Length: 0"),
}


@pytest.fixture(scope="module")
def misbehaving():
    """An endpoint that answers each request with the bytes named in its path, and keeps the connection open if it can."""

    def script(peer):
        while (request := peer.read_request()) is not None:
            name = request[0].split(b" ")[1].decode().strip("/").replace("+", " ")
            data = BAD_RESPONSES.get(name, ok(b"Content-Length: 4", body=b"fine"))
            if not peer.send(data) or name in ("nothing", "half a head", "not HTTP"):
                return

    with ScriptedEndpoint(script) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def gateway_to_misbehaving(start_shared_gateway, misbehaving):
    return start_shared_gateway(simple(misbehaving, workers=1, upstream_options={"retries": 0, "timeouts": {"response": "5s"}}))


@pytest.mark.parametrize("name", BAD_RESPONSES)
def test_bad_response_is_502(gateway_to_misbehaving, name):
    gateway = gateway_to_misbehaving
    response = fetch(gateway.port, target="/" + name.replace(" ", "+"))
    assert response.status == 502
    assert response.json()["error"] in ("upstream_bad_response", "upstream_closed", "upstream_bad_handshake")
    line = gateway.exchange(response)
    assert line["fault"] == "upstream" and line["detail"]
    assert fetch(gateway.port, target="/fine").body == b"fine"


@pytest.mark.parametrize("extra", [b"X", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!"])
def test_bytes_after_a_response_are_nobodys_answer(start_gateway, endpoint, extra):
    def script(peer):
        while peer.read_request() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" + extra)

    gateway = start_gateway(simple(endpoint(script), workers=1))
    with Connection(gateway.port) as connection:
        for _ in range(5):
            assert connection.request("GET", "/x").body == b"good"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_body_after_a_status_without_one_is_nobodys_answer(start_gateway, endpoint, status):
    def script(peer):
        while peer.read_request() is not None:
            peer.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 44\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!")

    gateway = start_gateway(simple(endpoint(script), workers=1))
    with Connection(gateway.port) as connection:
        for _ in range(3):
            response = connection.request("GET", "/x")
            assert response.status == int(status[:3]) and response.body == b""


def test_body_after_head_is_nobodys_answer(start_gateway, endpoint):
    def script(peer):
        while peer.read_request() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!")

    gateway = start_gateway(simple(endpoint(script), workers=1))
    with Connection(gateway.port) as connection:
        assert connection.request("HEAD", "/x").status == 200
        assert connection.request("GET", "/x").body == b"evil!"


def test_early_tunnel_bytes_wait_for_the_101(start_gateway, endpoint):
    """Until the endpoint has agreed, what follows an upgrade request may be anything, so it stays here."""
    seen = {}

    def script(peer):
        head = peer.read_head()
        peer.socket.settimeout(0.3)
        try:
            seen["early"] = peer.socket.recv(100)
        except TimeoutError:
            seen["early"] = b""
        peer.socket.settimeout(20)
        key = next(line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                  + accept_for(key.decode()).encode() + b"\r\n\r\n")
        seen["after"] = peer.read(5)

    gateway = start_gateway(simple(endpoint(script)))
    with WebSocket(gateway.port, "/x", early=b"early") as socket:
        assert socket.ends_with_close(1014)
    assert seen == {"early": b"", "after": b"early"}
