"""What endpoints answer: an ambiguous or invalid response is a 502 and its connection is done; a cut one never looks
whole; what follows a response is nobody's answer."""

from dataclasses import replace

from case import BAD_GATEWAY, CLOSED, TRUNCATED, Answer, Case, Got, Outcome, Seen, relayed
from request_cases import KEY, UPGRADE, get
from origin import accept_for

CLOSE = b"Connection: close"
TE = b"Transfer-Encoding: chunked"
OK = b"HTTP/1.1 200 OK"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!"


def ok(*lines, body=b"", status=OK):
    return status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def reply(name, pieces, *outcomes, end="keep", method=b"GET", lines=(), version=b"HTTP/1.1", tls=False, **more):
    """One request whose answer is `pieces`."""
    path = (b"/tls" if tls else b"") + b"/answer/" + name.lower().encode().replace(b" ", b"-").replace(b"%", b"").replace(b"^", b"")
    pieces = pieces if isinstance(pieces, tuple) else (pieces,)
    return Case("answer: " + name, (get(*lines, target=path, method=method, version=version),), outcomes, path=path,
                answer=Answer(pieces, end), methods=(method, b"GET"), **more)


# The endpoint's connection may serve others again; where the answer leaves a doubt about its end it must not.
AGAIN = {"reused": True}
DROPPED = {"reused": False}


def hello(**more):
    return relayed(Got(200, b"hello"), **more)


# Others may read what Postern refuses, as long as it is read in the one way that is safe.
SAFE_HELLO = hello(reused=False)
EMPTY = relayed(Got(200, b""))

INVALID = {
    "two lengths": ok(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "list of lengths": ok(b"Content-Length: 5, 6", body=b"hello!"),
    "length with sign": ok(b"Content-Length: +5", body=b"hello"),
    "negative length": ok(b"Content-Length: -5", body=b"hello"),
    "hexadecimal length": ok(b"Content-Length: 0x5", body=b"hello"),
    "empty length": ok(b"Content-Length:", body=b"hello"),
    "length with letters": ok(b"Content-Length: 5x", body=b"hello"),
    "length beyond 64 bits": ok(b"Content-Length: 18446744073709551621", body=b"hello"),
    "chunked not last": ok(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "xchunked": ok(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "folded length": ok(b"Content-Length:\r\n 5", body=b"hello"),
    "space before the colon of length": ok(b"Content-Length : 5", body=b"hello"),
    "space in a name": ok(b"X One: 1", b"Content-Length: 0"),
    "empty name": ok(b": x", b"Content-Length: 0"),
    "field without colon": ok(b"X-One", b"Content-Length: 0"),
    "bare CR in the head": b"HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n",
    "bare CR in a value": ok(b"X-One: a\rSet-Cookie: evil=1", b"Content-Length: 0"),
    "CR instead of the last CRLF": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\rX",
    "NUL in a value": ok(b"X-One: a\x00b", b"Content-Length: 0"),
    "control byte in a value": ok(b"X-One: a\x01b", b"Content-Length: 0"),
    "NUL in a name": ok(b"X-\x00: 1", b"Content-Length: 0"),
    "NUL in the reason": ok(b"Content-Length: 0", status=b"HTTP/1.1 200 O\x00K"),
    "CR in the reason": ok(b"Content-Length: 0", status=b"HTTP/1.1 200 O\rK"),
    "one-digit status": ok(b"Content-Length: 0", status=b"HTTP/1.1 2 OK"),
    "two-digit status": ok(b"Content-Length: 0", status=b"HTTP/1.1 20 OK"),
    "four-digit status": ok(b"Content-Length: 0", status=b"HTTP/1.1 2000 OK"),
    "status of letters": ok(b"Content-Length: 0", status=b"HTTP/1.1 abc OK"),
    "status with sign": ok(b"Content-Length: 0", status=b"HTTP/1.1 +20 OK"),
    "status zero": ok(b"Content-Length: 0", status=b"HTTP/1.1 000 OK"),
    "status 99": ok(b"Content-Length: 0", status=b"HTTP/1.1 099 OK"),
    "two spaces before the status": ok(b"Content-Length: 0", status=b"HTTP/1.1  200 OK"),
    "tab before the status": ok(b"Content-Length: 0", status=b"HTTP/1.1\t200 OK"),
    "space before the version": ok(b"Content-Length: 0", status=b" HTTP/1.1 200 OK"),
    "HTTP/0.9": ok(b"Content-Length: 0", status=b"HTTP/0.9 200 OK"),
    "HTTP/2.0": ok(b"Content-Length: 0", status=b"HTTP/2.0 200 OK"),
    "lower case protocol": ok(b"Content-Length: 0", status=b"http/1.1 200 OK"),
    "no such protocol": ok(b"Content-Length: 0", status=b"ICY 200 OK"),
    "not HTTP": b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
    "a request": get(),
    "body without a head": b"<html>hello</html>\r\n\r\n",
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "head without its end": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    "unasked 101": ok(b"Upgrade: websocket", b"Connection: Upgrade", status=b"HTTP/1.1 101 Switching Protocols"),
    "unasked 101 to h2c": ok(b"Upgrade: h2c", b"Connection: Upgrade", status=b"HTTP/1.1 101 Switching Protocols"),
    "bare 101": ok(status=b"HTTP/1.1 101 Switching Protocols"),
    "endless head": b"HTTP/1.1 200 OK\r\nX-Filler: " + b"a" * 2_000_000,
    "ten thousand fields": ok(*[b"X-%d: 1" % number for number in range(10_000)]),
    "endless interim responses": b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000 + ok(b"Content-Length: 0"),
    "interim response with a length": ok(b"Content-Length: 44", status=b"HTTP/1.1 103 Early Hints", body=EVIL) + ok(b"Content-Length: 0"),
    "interim response with chunks": ok(TE, status=b"HTTP/1.1 103 Early Hints", body=b"0\r\n\r\n") + ok(b"Content-Length: 0"),
    "interim response and no other": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}
# Answers that end their connection themselves; else the gateway would rightly wait for more.
ENDING = {"nothing", "half a status line", "half a head", "head without its end", "not HTTP", "interim response and no other",
          "body without a head", "CR instead of the last CRLF"}

# What has one reading although it differs from HTTP: it is written anew, and the endpoint's connection is done.
DEVIATIONS = {
    "length and chunked": (ok(b"Content-Length: 5", TE, body=b"0\r\n\r\n"), EMPTY),
    "chunked and length": (ok(TE, b"Content-Length: 5", body=b"0\r\n\r\n"), EMPTY),
    "length and chunked, the length fits": (ok(b"Content-Length: 15", TE, body=b"5\r\nhello\r\n0\r\n\r\n"), hello()),
    "length and chunked, another response behind": (ok(b"Content-Length: 44", TE, body=b"0\r\n\r\n" + EVIL), EMPTY),
    "two equal lengths": (ok(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), hello()),
    "two equal lengths, another response behind": (ok(b"Content-Length: 5", b"Content-Length: 5", body=b"hello" + EVIL), hello()),
    "list of equal lengths": (ok(b"Content-Length: 5, 5", body=b"hello"), hello()),
    "chunked twice": (ok(TE, TE, body=b"5\r\nhello\r\n0\r\n\r\n"), hello()),
    "chunked twice in a list": (ok(b"Transfer-Encoding: chunked, chunked", body=b"5\r\nhello\r\n0\r\n\r\n"), hello()),
    "chunked in HTTP/1.0": (ok(TE, status=b"HTTP/1.0 200 OK", body=b"5\r\nhello\r\n0\r\n\r\n"), hello()),
    "bare LF ends the head": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello", hello()),
    "bare LF between fields": (b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello", hello()),
    "bare LF everywhere": (b"HTTP/1.1 200 OK\nContent-Length: 5\nX-One: 1\n\nhello", hello()),
    "bare LF in chunks": (b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n", hello()),
    "folded field": (ok(b"X-One: a\r\n b", b"Content-Length: 5", body=b"hello"), hello()),
    "folded field with tab": (ok(b"X-One: a\r\n\tContent-Length: 4", b"Content-Length: 5", body=b"hello"), hello()),
    "folded trailer": (ok(TE, body=b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n"), hello()),
    "space before the colon": (ok(b"X-One : 1", b"Content-Length: 5", body=b"hello"), hello()),
    "padded chunk size": (ok(TE, body=b"5  \r\nhello\r\n0\r\n\r\n"), hello()),
    "padded last chunk": (ok(TE, body=b"5\r\nhello\r\n0 \t \r\n\r\n"), hello()),
    "padded extension": (ok(TE, body=b"5 ;a=b \r\nhello\r\n0\r\n\r\n"), hello()),
}

# What the endpoint may be forgiven for, by a proxy that reads it in the only safe way.
FORGIVEN = {
    "length of 2^63": (ok(b"Content-Length: 9223372036854775808", body=b"hello"), TRUNCATED),
    "gzip, chunked": (ok(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), EMPTY),
    "empty transfer-encoding": (ok(b"Transfer-Encoding:", body=b"hello"), SAFE_HELLO),
    "identity": (ok(b"Transfer-Encoding: identity", b"Content-Length: 5", body=b"hello"), SAFE_HELLO),
    "DEL in the reason": (ok(b"Content-Length: 5", status=b"HTTP/1.1 200 O\x7fK", body=b"hello"), hello()),
    "HTTP/1.2": (ok(b"Content-Length: 5", status=b"HTTP/1.2 200 OK", body=b"hello"), hello()),
    "length of 400 digits": (ok(b"Content-Length: " + b"0" * 399 + b"5", body=b"hello"), hello()),
    "empty lines first": (b"\r\n\r\n" + ok(b"Content-Length: 5", body=b"hello"), hello()),
}

CHUNK_FAULTS = {
    "size is not a number": b"x\r\n", "size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n", "size with minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "size of 17 digits": b"10000000000000005\r\nhello\r\n0\r\n\r\n", "data longer than its size": b"5\r\nhelloXX0\r\n\r\n",
    "CR X after the size": b"5\rXhello\r\n0\r\n\r\n", "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "NUL in a trailer": b"5\r\nhello\r\n0\r\nX: a\x00b\r\n\r\n",
    "endless extension": b"5;" + b"a" * 200_000, "endless trailers": b"5\r\nhello\r\n0\r\n" + b"X: a\r\n" * 40_000,
}

# A body that ends before its framing says so.
CUTS = {
    "length": ok(b"Content-Length: 50", body=b"hello"),
    "length, before the first byte": ok(b"Content-Length: 50"),
    "a byte of the length": ok(b"Content-Length: 6", body=b"hello"),
    "chunks, within a chunk": ok(TE, body=b"a\r\nhello"),
    "chunks, before the last": ok(TE, body=b"5\r\nhello\r\n"),
    "chunks, within a size": ok(TE, body=b"5\r\nhello\r\n1"),
    "chunks, after size 0": ok(TE, body=b"5\r\nhello\r\n0\r\n"),
    "chunks, within the trailers": ok(TE, body=b"5\r\nhello\r\n0\r\nX: a\r\n"),
    "chunks, before the first": ok(TE),
}

# TRUNCATED, or 502 while the head was not yet sent.
CUT_SHORT = (TRUNCATED, BAD_GATEWAY)
# For others: a body that cannot be read to its end looks cut.
CUT_BODY = TRUNCATED


def cut(name, data, **more):
    outcomes = CUT_SHORT

    def either(observed):
        return None if TRUNCATED.problem(observed) is None or BAD_GATEWAY.problem(observed) is None else TRUNCATED.problem(observed)

    return reply(name, data, Outcome("cut short", check=either, whole=False, ends=CLOSED | {"reusable"}), *outcomes, **more)


RESPONSES = [
    *[reply(name, data, BAD_GATEWAY, end="close" if name in ENDING else "keep") for name, data in INVALID.items()],
    *[reply(name, data, BAD_GATEWAY, safe, end="close" if "empty" in name or "2^63" in name else "keep") for name, (data, safe) in FORGIVEN.items()],
    *[reply(name, data, replace(safe, reused=False), BAD_GATEWAY, safe, CUT_BODY) for name, (data, safe) in DEVIATIONS.items()],
    *[cut("chunk fault, " + name, ok(TE, body=body)) for name, body in CHUNK_FAULTS.items()],
    *[cut("cut, " + name, data, end="close") for name, data in CUTS.items()],
    *[cut("reset, " + name, (data, b""), end="reset") for name, data in CUTS.items() if "," not in name],
    cut("reset, until close", (ok(body=b"hello"), b""), end="reset"),
    cut("over TLS cut, until close", ok(body=b"hello"), end="cut", tls=True),
    cut("over TLS cut, length", ok(b"Content-Length: 50", body=b"hello"), end="cut", tls=True),
    cut("over TLS cut, chunks", ok(TE, body=b"5\r\nhello\r\n"), end="cut", tls=True),
    reply("over TLS ended, until close", ok(body=b"hello"), hello(), end="close", tls=True),
    reply("over TLS cut after its length", ok(b"Content-Length: 5", body=b"hello"), hello(), end="cut", tls=True),

    # Bodies in every framing
    reply("chunked with tabs around", ok(b"Transfer-Encoding:\tchunked\t", body=b"5\r\nhello\r\n0\r\n\r\n"), hello(), BAD_GATEWAY),
    reply("length with tabs around", ok(b"Content-Length:\t5\t", body=b"hello"), hello(), BAD_GATEWAY),
    reply("length", ok(b"Content-Length: 5", body=b"hello"), hello(ends={"reusable"}, **AGAIN), hello()),
    reply("length 0", ok(b"Content-Length: 0"), relayed(Got(200, b""), ends={"reusable"}, **AGAIN), EMPTY),
    reply("length with leading zeros", ok(b"Content-Length: 0005", body=b"hello"),
          relayed(Got(200, b"hello", has=((b"content-length", b"5"),))), BAD_GATEWAY, hello()),
    reply("chunks", ok(TE, body=b"5\r\nhello\r\n0\r\n\r\n"), hello(ends={"reusable"}, **AGAIN), hello()),
    reply("chunks with extensions", ok(TE, body=b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), hello(ends={"reusable"}), hello()),
    reply("chunks in pieces", (ok(TE), b"2\r", b"\nhe\r", b"\n3\r\nl", b"lo\r\n0", b"\r\n\r", b"\n"), hello(**AGAIN), hello()),
    reply("Chunked in capitals", ok(b"transfer-encoding: CHUNKED", body=b"5\r\nhello\r\n0\r\n\r\n"), hello()),
    reply("until close", ok(body=b"hello"), hello(), end="close"),
    reply("until close, in pieces", (ok(), b"hel", b"lo"), hello(), end="close"),
    reply("until close, empty", ok(), EMPTY, end="close"),
    reply("HTTP/1.0 until close", ok(status=b"HTTP/1.0 200 OK", body=b"hello"), hello(), end="close"),
    reply("HTTP/1.0 with a length", ok(b"Content-Length: 5", status=b"HTTP/1.0 200 OK", body=b"hello"), hello(**DROPPED), end="close"),
    reply("HTTP/1.0 with a length that stays open", ok(b"Content-Length: 5", status=b"HTTP/1.0 200 OK", body=b"hello"), hello(**DROPPED)),
    reply("HTTP/1.0 kept", ok(b"Content-Length: 5", b"Connection: keep-alive", status=b"HTTP/1.0 200 OK", body=b"hello"), hello()),
    reply("length with Connection close", ok(b"Content-Length: 5", CLOSE, body=b"hello"), hello(ends={"reusable"}, **DROPPED), hello(**DROPPED)),
    reply("chunks with Connection close", ok(TE, CLOSE, body=b"5\r\nhello\r\n0\r\n\r\n"), hello(ends={"reusable"}, **DROPPED), hello(**DROPPED)),
    reply("head in pieces", (b"HTTP/1.1 200 OK\r", b"\nContent-Le", b"ngth: 5\r\n\r", b"\nhello"), hello(**AGAIN), hello()),
    reply("no reason", ok(b"Content-Length: 5", status=b"HTTP/1.1 200 ", body=b"hello"), hello()),
    reply("no reason and no space", ok(b"Content-Length: 5", status=b"HTTP/1.1 200", body=b"hello"), hello(), BAD_GATEWAY),
    reply("unknown status", ok(b"Content-Length: 5", status=b"HTTP/1.1 299 Odd", body=b"hello"), relayed(Got(299, b"hello"))),
    reply("status beyond 599", ok(b"Content-Length: 5", status=b"HTTP/1.1 999 Odd", body=b"hello"), relayed(Got(999, b"hello")), BAD_GATEWAY),
    reply("high bytes in a value", ok(b"X-One: caf\xc3\xa9", b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", has=((b"x-one", b"caf\xc3\xa9"),))), BAD_GATEWAY),
    reply("trailers", ok(TE, body=b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), hello(**AGAIN), hello()),
    reply("trailers that steer", ok(TE, body=b"5\r\nhello\r\n0\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nTransfer-Encoding: x\r\n\r\n"),
          relayed(Got(200, b"hello", trailers=())), hello(), BAD_GATEWAY),
    reply("a client of HTTP/1.0 gets no chunks", ok(TE, body=b"5\r\nhello\r\n0\r\n\r\n"),
          relayed(Got(200, b"hello", framing="close"), ends=CLOSED), relayed(Got(200, b"hello", framing="length"), ends=CLOSED),
          version=b"HTTP/1.0"),
    reply("a client of HTTP/1.0 gets no interim", ok(status=b"HTTP/1.1 103 Early Hints") + ok(b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", interim=()), ends=CLOSED), version=b"HTTP/1.0"),

    # No body
    reply("HEAD with a length", ok(b"Content-Length: 5"), relayed(Got(200, b"", has=((b"content-length", b"5"),)), ends={"reusable"}, **AGAIN),
          relayed(Got(200, b"")), method=b"HEAD"),
    reply("HEAD with chunked", ok(TE), relayed(Got(200, b""), ends={"reusable"}), relayed(Got(200, b"")), method=b"HEAD"),
    reply("HEAD with nothing", ok(), relayed(Got(200, b""), ends={"reusable"}), relayed(Got(200, b"")), method=b"HEAD"),
    reply("HEAD with a body", ok(b"Content-Length: 44", body=EVIL), relayed(Got(200, b""), **DROPPED), method=b"HEAD"),
    reply("204", ok(status=b"HTTP/1.1 204 No Content"), relayed(Got(204, b""), ends={"reusable"}, **AGAIN), relayed(Got(204, b""))),
    reply("204 with length 0", ok(b"Content-Length: 0", status=b"HTTP/1.1 204 No Content"),
          relayed(Got(204, b"", lacks=(b"content-length",)), ends={"reusable"}, **AGAIN), relayed(Got(204, b""))),
    reply("204 with a body", ok(b"Content-Length: 44", status=b"HTTP/1.1 204 No Content", body=EVIL), relayed(Got(204, b""), **DROPPED), BAD_GATEWAY),
    reply("204 with a body that comes later", (ok(b"Content-Length: 44", status=b"HTTP/1.1 204 No Content"), EVIL),
          relayed(Got(204, b""), **DROPPED), BAD_GATEWAY),
    reply("204 with chunks", ok(TE, status=b"HTTP/1.1 204 No Content", body=b"0\r\n\r\n"), relayed(Got(204, b""), **DROPPED), BAD_GATEWAY),
    reply("304", ok(b"ETag: x", status=b"HTTP/1.1 304 Not Modified"), relayed(Got(304, b""), ends={"reusable"}, **AGAIN), relayed(Got(304, b""))),
    reply("304 with a length", ok(b"Content-Length: 5", status=b"HTTP/1.1 304 Not Modified"),
          relayed(Got(304, b""), ends={"reusable"}, **AGAIN), relayed(Got(304, b""))),
    reply("304 with a body", ok(b"Content-Length: 44", status=b"HTTP/1.1 304 Not Modified", body=EVIL), relayed(Got(304, b""), **DROPPED), BAD_GATEWAY),
    reply("205 with length 0", ok(b"Content-Length: 0", status=b"HTTP/1.1 205 Reset Content"), relayed(Got(205, b""), **AGAIN), relayed(Got(205, b""))),

    # More than the response
    reply("a byte after the length", ok(b"Content-Length: 5", body=b"helloX"), hello(**DROPPED)),
    reply("a response after the response", ok(b"Content-Length: 5", body=b"hello") + EVIL, hello(**DROPPED)),
    reply("a response after the response, later", (ok(b"Content-Length: 5", body=b"hello"), EVIL), hello(**DROPPED)),
    reply("a response after chunks", ok(TE, body=b"5\r\nhello\r\n0\r\n\r\n") + EVIL, hello(**DROPPED)),
    reply("an empty line after the response", ok(b"Content-Length: 5", body=b"hello\r\n"), hello(**DROPPED), hello()),
    reply("an interim response after the response", ok(b"Content-Length: 5", body=b"hello") + ok(status=b"HTTP/1.1 100 Continue"), hello(**DROPPED)),
    reply("a response before the body was asked for", EVIL + ok(b"Content-Length: 5", body=b"hello"), relayed(Got(200, b"evil!"), **DROPPED)),

    # Interim responses
    reply("100 before the response", ok(status=b"HTTP/1.1 100 Continue") + ok(b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", interim=(100,)), **AGAIN), hello()),
    reply("103 before the response", ok(b"Link: </a>; rel=preload", status=b"HTTP/1.1 103 Early Hints") + ok(b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", interim=(103,)), **AGAIN), hello()),
    reply("several interim responses", ok(status=b"HTTP/1.1 102 Processing") * 3 + ok(b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", interim=(102, 102, 102))), hello()),
    reply("unknown interim response", ok(status=b"HTTP/1.1 199 Odd") + ok(b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", interim=(199,))), hello(), BAD_GATEWAY),
    reply("interim response with length 0", ok(b"Content-Length: 0", status=b"HTTP/1.1 100 Continue") + ok(b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", interim=(100,))), hello(), BAD_GATEWAY),
    reply("interim response with a space before a colon", ok(b"X : y", status=b"HTTP/1.1 103 Early Hints") + ok(b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", interim=(103,)), **DROPPED), hello(), BAD_GATEWAY),
    reply("interim response to HEAD", ok(status=b"HTTP/1.1 103 Early Hints") + ok(b"Content-Length: 5"),
          relayed(Got(200, b"", interim=(103,)), **AGAIN), relayed(Got(200, b"")), method=b"HEAD"),

    # Fields that belong to the endpoint's connection
    reply("hop-by-hop fields stay behind", ok(b"Connection: keep-alive, X-Hop", b"X-Hop: 1", b"Keep-Alive: timeout=9", b"Proxy-Connection: keep-alive",
                                              b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", lacks=(b"x-hop", b"proxy-connection"))), hello()),
    reply("Connection names what must survive", ok(b"Connection: Set-Cookie, Content-Type, Content-Length, Cache-Control", b"Set-Cookie: a=b",
                                                   b"Content-Type: text/plain", b"Cache-Control: no-store", b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", has=((b"set-cookie", b"a=b"), (b"content-type", b"text/plain"), (b"cache-control", b"no-store")))), hello()),
    reply("an offer to upgrade is not passed on", ok(b"Upgrade: h2c", b"Connection: Upgrade", b"Content-Length: 5", body=b"hello"),
          relayed(Got(200, b"hello", lacks=(b"upgrade",))), hello()),
    reply("426", ok(b"Upgrade: websocket", b"Connection: Upgrade", b"Content-Length: 2", status=b"HTTP/1.1 426 Upgrade Required", body=b"no"),
          relayed(Got(426, b"no"))),
]


def upgrade(name, pieces, *outcomes, **more):
    path = b"/answer/" + name.replace(" ", "-").encode()
    return Case("answer: " + name, (get(*UPGRADE, *more.pop("lines", ()), target=path),), outcomes, path=path,
                answer=Answer(pieces if isinstance(pieces, tuple) else (pieces,)), **more)


ACCEPT = b"Sec-WebSocket-Accept: " + accept_for(KEY)
SWITCH = b"HTTP/1.1 101 Switching Protocols"


def switch(*lines):
    return ok(b"Upgrade: websocket", b"Connection: Upgrade", *lines, status=SWITCH)


LEFT_TO_THE_CLIENT = Outcome("passed on", answers=(Got(101),))
HANDSHAKES = [
    upgrade("101 without an accept", switch(), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 with a wrong accept", switch(b"Sec-WebSocket-Accept: " + accept_for(b"x")), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 with two accepts", switch(ACCEPT, ACCEPT), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 to another protocol", ok(b"Upgrade: h2c", b"Connection: Upgrade", ACCEPT, status=SWITCH), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 without Upgrade", ok(b"Connection: Upgrade", ACCEPT, status=SWITCH), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 without Connection", ok(b"Upgrade: websocket", ACCEPT, status=SWITCH), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 with a subprotocol nobody offered", switch(ACCEPT, b"Sec-WebSocket-Protocol: chat"), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 with an extension nobody offered", switch(ACCEPT, b"Sec-WebSocket-Extensions: permessage-deflate"), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 with a length", switch(ACCEPT, b"Content-Length: 5"), BAD_GATEWAY, Outcome("passed on", answers=(Got(101),), whole=False)),
    upgrade("101 with chunks", switch(ACCEPT, TE), BAD_GATEWAY, LEFT_TO_THE_CLIENT),
    upgrade("101 after a 103", ok(status=b"HTTP/1.1 103 Early Hints") + switch(ACCEPT), Outcome("tunnel", answers=(Got(101),)), BAD_GATEWAY),
    upgrade("200 to an upgrade", ok(b"Content-Length: 5", body=b"hello"), hello()),
    upgrade("200 to an upgrade, then another response", ok(b"Content-Length: 5", body=b"hello") + EVIL, hello(reused=False)),
    upgrade("200 that offers an upgrade", ok(b"Upgrade: websocket", b"Connection: Upgrade", b"Content-Length: 5", body=b"hello"), hello()),
]

CASES = RESPONSES + HANDSHAKES
