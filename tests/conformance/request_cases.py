"""What clients send: framing, lines, fields, targets, versions, upgrades. Bytes that two readers could understand
differently are refused; what is accepted has one reading, and that is what the endpoint gets."""

from case import CLOSED, CUT, Answer, Case, Got, Outcome, Seen, bad, forwarded, refused, REFUSALS, REFUSED_SOMEHOW

HOST = b"Host: localhost\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"0\r\n\r\n"
TE = b"Transfer-Encoding: chunked"
CLOSE = b"Connection: close"


def get(*lines, target=b"/victim", version=b"HTTP/1.1", host=HOST, method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines, body=b"", version=b"HTTP/1.1", method=b"POST"):
    return get(*lines, version=version, method=method) + body


def case(name, data, outcomes, **more):
    pieces = data if isinstance(data, tuple) else (data,)
    outcomes = outcomes if isinstance(outcomes, tuple) else (outcomes,)
    return Case(name, pieces, outcomes, **more)


VICTIM = Seen(b"/victim")
HELLO = Seen(b"/victim", body=b"hello")
# A field line that an old reader may join, or end early, and that no endpoint then sees as anything else.
PLAIN = Seen(b"/victim", b"GET", b"", lacks=(b"content-length", b"transfer-encoding", b"x-one"))
ONE = forwarded(VICTIM)
# A line that is no field was left out, and nothing came of it.
LEFT_OUT = forwarded(PLAIN)
# In absolute form, as it came: an endpoint must take that too.
AS_IT_CAME = Outcome("as it came", arrived=(Seen(),), answers=(Got(200),))
# The body's end is not in doubt, though something about it was wrong.
BOTH = forwarded(HELLO, Seen(b"/smuggled"))

# --- framing ---

FRAMING = [
    case("length and chunked", post(b"Content-Length: 5", TE, body=CHUNKED + SMUGGLED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b""), ends=CLOSED),))),
    case("chunked and length", post(TE, b"Content-Length: 5", body=CHUNKED + SMUGGLED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b""), ends=CLOSED),))),
    case("length and chunked, the length fits", post(b"Content-Length: 5", TE, body=CHUNKED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b""), ends=CLOSED),))),
    case("chunked and length 0", post(TE, b"Content-Length: 0", body=CHUNKED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b""), ends=CLOSED),))),
    case("length and an unknown coding", post(b"Content-Length: 5", b"Transfer-Encoding: x", body=b"hello"), bad()),
    case("two different lengths", post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"), bad()),
    case("two different lengths in two spellings", post(b"Content-Length: 5", b"content-length: 6", body=b"hello!"), bad()),
    case("two equal lengths", post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), bad(or_else=(forwarded(HELLO),))),
    case("list of equal lengths", post(b"Content-Length: 5, 5", body=b"hello"), bad(or_else=(forwarded(HELLO),))),
    case("list of lengths", post(b"Content-Length: 5, 6", body=b"hello!"), bad()),
    case("length with a comma", post(b"Content-Length: 5,", body=b"hello"), bad()),
    case("empty length", post(b"Content-Length:"), bad()),
    case("length with sign", post(b"Content-Length: +5", body=b"hello"), bad()),
    case("negative length", post(b"Content-Length: -1"), bad()),
    case("minus zero as length", post(b"Content-Length: -0"), bad()),
    case("hexadecimal length", post(b"Content-Length: 0x5", body=b"hello"), bad()),
    case("length with a letter", post(b"Content-Length: 5a", body=b"hello"), bad()),
    case("length with space inside", post(b"Content-Length: 1 0", body=b"helloworld"), bad()),
    case("length with tab inside", post(b"Content-Length: 1\t0", body=b"helloworld"), bad()),
    case("length with exponent", post(b"Content-Length: 1e1", body=b"helloworld"), bad()),
    case("length with fraction", post(b"Content-Length: 5.0", body=b"hello"), bad()),
    case("length with underscore", post(b"Content-Length: 1_0", body=b"helloworld"), bad()),
    case("quoted length", post(b'Content-Length: "5"', body=b"hello"), bad()),
    case("length with parameter", post(b"Content-Length: 5;a", body=b"hello"), bad()),
    case("length beyond 64 bits", post(b"Content-Length: 18446744073709551621", body=b"hello"), bad()),
    case("length of 2^63", post(b"Content-Length: 9223372036854775808", body=b"hello"), bad(400, 413)),
    case("length of 400 digits", post(b"Content-Length: " + b"0" * 399 + b"5", body=b"hello"), bad(or_else=(forwarded(HELLO),))),
    case("length with leading zeros is written anew", post(b"Content-Length: 00005", CLOSE, body=b"hello"),
         (forwarded(Seen(b"/victim", body=b"hello", has=((b"content-length", b"5"),))), refused(), REFUSED_SOMEHOW)),
    case("length with spaces around", post(b"Content-Length:   5  ", CLOSE, body=b"hello"), forwarded(HELLO)),
    case("length with tabs around", post(b"Content-Length: \t5\t", CLOSE, body=b"hello"), bad(or_else=(forwarded(HELLO),))),
    case("length after vertical tab", post(b"Content-Length: \x0b5", body=b"hello"), bad()),
    case("length in Arabic digits", post(b"Content-Length: \xd9\xa5", body=b"hello"), bad()),
    case("length of an underscore twin", post(b"Content_Length: 3", b"Content-Length: 5", body=b"hello"),
         bad(or_else=(forwarded(Seen(body=b"hello", lacks=(b"content_length",))),))),
    case("coding of an underscore twin", post(b"Transfer_Encoding: chunked", b"Content-Length: 5", body=b"hello"),
         bad(or_else=(forwarded(Seen(body=b"hello", lacks=(b"transfer_encoding",))),))),
    case("empty transfer-encoding", post(b"Transfer-Encoding:"), bad()),
    case("empty transfer-encoding with length", post(b"Transfer-Encoding:", b"Content-Length: 5", body=b"hello"), bad()),
    case("chunked and an empty one", post(TE, b"Transfer-Encoding:", body=CHUNKED), bad()),
    case("chunked twice", post(TE, TE, body=CHUNKED), bad()),
    case("chunked twice in a list", post(b"Transfer-Encoding: chunked, chunked", body=CHUNKED), bad()),
    case("chunked with a comma", post(b"Transfer-Encoding: chunked,", body=CHUNKED), bad(or_else=(forwarded(Seen(b"/victim", body=b"")),))),
    case("a comma before chunked", post(b"Transfer-Encoding: , chunked", body=CHUNKED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b"")),))),
    case("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", body=CHUNKED), bad()),
    case("identity, chunked", post(b"Transfer-Encoding: identity, chunked", body=CHUNKED), bad()),
    case("chunked, identity", post(b"Transfer-Encoding: chunked, identity", body=CHUNKED), bad()),
    case("chunked not last", post(b"Transfer-Encoding: chunked, gzip", body=CHUNKED), bad()),
    case("chunked not last over two fields", post(TE, b"Transfer-Encoding: gzip", body=CHUNKED), bad()),
    case("identity", post(b"Transfer-Encoding: identity", b"Content-Length: 5", body=b"hello"), bad()),
    case("identity alone", post(b"Transfer-Encoding: identity"), bad()),
    case("xchunked", post(b"Transfer-Encoding: xchunked", body=CHUNKED), bad()),
    case("quoted chunked", post(b'Transfer-Encoding: "chunked"', body=CHUNKED), bad()),
    case("single-quoted chunked", post(b"Transfer-Encoding: 'chunked'", body=CHUNKED), bad()),
    case("chunked with parameter", post(b"Transfer-Encoding: chunked;x=1", body=CHUNKED), bad()),
    case("chunked after vertical tab", post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED), bad()),
    case("chunked before form feed", post(b"Transfer-Encoding: chunked\x0c", body=CHUNKED), bad()),
    case("chunked after a no-break space", post(b"Transfer-Encoding: \xa0chunked", body=CHUNKED), bad()),
    case("chunked with a NUL behind", post(b"Transfer-Encoding: chunked\x00", body=CHUNKED), bad()),
    case("Chunked in capitals", post(b"TRANSFER-ENCODING: CHUNKED", CLOSE, body=b"5\r\nhello\r\n0\r\n\r\n"), forwarded(HELLO)),
    case("chunked after spaces", post(b"Transfer-Encoding:   chunked  ", CLOSE, body=b"5\r\nhello\r\n0\r\n\r\n"), forwarded(HELLO)),
    case("chunked after tabs", post(b"Transfer-Encoding:\t \tchunked\t", CLOSE, body=b"5\r\nhello\r\n0\r\n\r\n"),
         bad(or_else=(forwarded(HELLO),))),
    case("chunked in HTTP/1.0", post(TE, version=b"HTTP/1.0", body=CHUNKED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b""), ends=CLOSED),))),
    case("chunked in HTTP/1.0 that is kept", post(TE, b"Connection: keep-alive", version=b"HTTP/1.0", body=CHUNKED + SMUGGLED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b""), ends=CLOSED),))),
    case("space before the colon of transfer-encoding", post(b"Transfer-Encoding : chunked", body=CHUNKED), bad()),
    case("space before the colon of content-length", post(b"Content-Length : 5", body=b"hello"), bad()),
    case("transfer-encoding after a space", b"POST /victim HTTP/1.1\r\n" + HOST + b" Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
         bad(or_else=(forwarded(Seen(b"/victim", lacks=(b"transfer-encoding",)), Seen(), statuses=[REFUSALS]),))),
    case("GET with a body", get(b"Content-Length: 5", CLOSE) + b"hello", (forwarded(Seen(b"/victim", b"GET", b"hello")), REFUSED_SOMEHOW)),
    case("GET with a chunked body", get(TE, CLOSE) + b"5\r\nhello\r\n0\r\n\r\n", (forwarded(HELLO), REFUSED_SOMEHOW)),
    case("HEAD with a body", get(b"Content-Length: 5", CLOSE, method=b"HEAD") + b"hello",
         (forwarded(Seen(b"/victim", b"HEAD", b"hello")), REFUSED_SOMEHOW), methods=(b"HEAD",)),
    case("DELETE with a body, then another request", get(b"Content-Length: 5", method=b"DELETE") + b"hello" + get(CLOSE, target=b"/next"),
         (forwarded(Seen(b"/victim", b"DELETE", b"hello"), Seen(b"/next")), REFUSED_SOMEHOW)),
    case("POST without a length", post(CLOSE), (forwarded(Seen(b"/victim", body=b"")), refused(411))),
    case("bytes after a POST without a length are the next request", post() + get(CLOSE, target=b"/next"),
         (forwarded(Seen(b"/victim", body=b""), Seen(b"/next", b"GET")), refused(411))),
    case("length 0, then another request", post(b"Content-Length: 0") + get(CLOSE, target=b"/next"),
         forwarded(Seen(b"/victim", body=b""), Seen(b"/next"))),
    case("fewer bytes than the length", post(b"Content-Length: 50", body=b"hello"), CUT, finish=True),
    case("more bytes than the length", post(b"Content-Length: 5", body=b"helloX" + SMUGGLED),
         # "XGET" is a method like any other.
         (forwarded(HELLO, Seen(method=b"XGET")),
          Outcome("one, then refused", arrived=(HELLO,), answers=(Got(200), Got({400})), ends=CLOSED))),
]

# --- lines and fields ---

LINES = [
    case("folded field", get(b"Foo: bar\r\n Content-Length: 38"), bad(or_else=(forwarded(Seen(lacks=(b"content-length",))),))),
    case("folded field with tab", get(b"Foo: bar\r\n\tbaz"), bad(or_else=(ONE,))),
    case("folded field with an empty line of spaces", get(b"Foo: bar\r\n  "), bad(or_else=(ONE,))),
    case("folded transfer-encoding", post(b"Transfer-Encoding:\r\n chunked", body=CHUNKED),
         bad(or_else=(forwarded(Seen(b"/victim", body=b"")),))),
    case("folded content-length", post(b"Content-Length:\r\n 5", body=b"hello"), bad(or_else=(forwarded(HELLO),))),
    case("folded host", get(host=b"Host:\r\n localhost\r\n"), bad(or_else=(ONE,))),
    case("folded first field", b"GET /victim HTTP/1.1\r\n Host: localhost\r\n\r\n", bad()),
    case("folded first field, then a host", b"GET /victim HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n", bad(or_else=(ONE,))),
    case("bare LF ends the head", b"GET /victim HTTP/1.1\r\nHost: localhost\r\n\n", bad(or_else=(ONE,))),
    case("bare LF between fields", b"GET /victim HTTP/1.1\r\nHost: localhost\nX-One: 1\r\n\r\n", bad(or_else=(ONE,))),
    case("bare LF after the request line", b"GET /victim HTTP/1.1\nHost: localhost\r\n\r\n", bad(or_else=(ONE,))),
    case("bare LF everywhere", b"GET /victim HTTP/1.1\nHost: localhost\n\n", bad(or_else=(ONE,))),
    case("bare LF in front", b"\nGET /victim HTTP/1.1\r\n" + HOST + b"\r\n", bad(or_else=(ONE,))),
    case("CRs before the last LF", b"GET /victim HTTP/1.1\r\nHost: localhost\r\r\n\r\n", bad(or_else=(ONE,))),
    case("bare CR between fields", b"GET /victim HTTP/1.1\r\nHost: localhost\rX-One: 1\r\n\r\n", bad()),
    case("CR before transfer-encoding", post(b"x:\rTransfer-Encoding: chunked", body=CHUNKED),
         bad(or_else=(forwarded(Seen(body=b"", lacks=(b"transfer-encoding",)), statuses=[200]),))),
    case("CR instead of the last CRLF", b"GET /victim HTTP/1.1\r\nHost: localhost\r\n\rXGET /smuggled HTTP/1.1\r\n\r\n", bad()),
    case("CR in a value", get(b"X-One: a\rb"), bad(or_else=(forwarded(Seen(has=((b"x-one", b"a b"),))),))),
    case("CR before the colon", get(b"X-One\r: b"), bad()),
    case("CR in the request line", get(target=b"/vic\rtim"), bad()),
    case("CR after the request line", b"GET /victim HTTP/1.1\r" + HOST + b"\r\n", bad()),
    case("NUL in a value", get(b"X-One: a\x00b"), bad()),
    case("NUL ends a value", get(b"X-One: a\x00"), bad()),
    case("NUL before the host", b"\x00GET /victim HTTP/1.1\r\n" + HOST + b"\r\n", bad()),
    case("control byte in a value", get(b"X-One: a\x01b"), bad()),
    case("escape byte in a value", get(b"X-One: a\x1b[2Jb"), bad()),
    case("backspace in a value", get(b"X-One: a\x08b"), bad()),
    case("vertical tab in a value", get(b"X-One: a\x0bb"), bad()),
    case("DEL in a value", get(b"X-One: a\x7fb"), bad()),
    case("high bytes in a value", get(b"X-One: caf\xc3\xa9 \xff", CLOSE), (forwarded(Seen(has=((b"x-one", b"caf\xc3\xa9 \xff"),))), *bad())),
    case("tab inside a value", get(b"X-One: a\tb", CLOSE), forwarded(Seen(has=((b"x-one", b"a\tb"),)))),
    case("empty value", get(b"X-One:", CLOSE), forwarded(Seen(has=((b"x-one", b""),)))),
    case("value of spaces", get(b"X-One:  \t ", CLOSE), forwarded(Seen(has=((b"x-one", b""),)))),
    case("value without a space in front", get(b"X-One:1", CLOSE), forwarded(Seen(has=((b"x-one", b"1"),)))),
    case("every character of a name", get(b"X-!#$%&'*+.^_`|~09aZ: 1", CLOSE), (ONE, *bad())),
    case("space before the colon", get(b"X-One : 1"), bad()),
    case("tab before the colon", get(b"X-One\t: 1"), bad()),
    case("space in a name", get(b"X One: 1"), bad()),
    case("no colon", get(b"X-One"), bad(or_else=(LEFT_OUT,))),
    case("empty name", get(b": value"), bad(or_else=(LEFT_OUT,))),
    case("only a colon", get(b":"), bad(or_else=(LEFT_OUT,))),
    case("high byte in a name", get(b"X-\xe9: 1"), bad(or_else=(LEFT_OUT,))),
    case("NUL in a name", get(b"X-\x00One: 1"), bad()),
    case("NUL before a name", get(b"\x00Transfer-Encoding: chunked"), bad()),
    case("vertical tab before a name", get(b"\x0bTransfer-Encoding: chunked"), bad()),
    case("parenthesis in a name", get(b"X(One): 1"), bad(or_else=(LEFT_OUT,))),
    case("quote in a name", get(b'"X-One": 1'), bad(or_else=(LEFT_OUT,))),
    case("slash in a name", get(b"X/One: 1"), bad(or_else=(LEFT_OUT,))),
    case("at sign in a name", get(b"X@One: 1"), bad(or_else=(LEFT_OUT,))),
    case("brackets in a name", get(b"X[One]: 1"), bad(or_else=(LEFT_OUT,))),
    case("one field of 100,000 bytes", get(b"X-One: " + b"a" * 100_000), bad(431)),
    case("10,000 fields", get(*[b"X-%d: 1" % number for number in range(10_000)]), bad(431)),
    case("endless head without a line end", b"GET /victim HTTP/1.1\r\nX: " + b"a" * 300_000, bad(431)),
    case("head in pieces that cut every line end",
         (b"GET /victim HTTP/1.1\r", b"\nHost: localhost\r", b"\nConnection: close\r\n\r", b"\n"), ONE),
    case("head byte by byte", tuple(bytes([byte]) for byte in get(CLOSE, target=b"/v")), forwarded(Seen(b"/v"))),
    case("obs-fold whose space comes later", (b"GET /victim HTTP/1.1\r\nHost: localhost\r\nX: a\r\n", b" Content-Length: 5\r\n\r\n"),
         bad(or_else=(forwarded(Seen(lacks=(b"content-length",))),))),
]

# --- the request line and versions ---


def line(data):
    return data + b"\r\n" + HOST + b"\r\n"


START = [
    case("two spaces before the target", line(b"GET  /victim HTTP/1.1"), bad(or_else=(ONE,))),
    case("two spaces before the version", line(b"GET /victim  HTTP/1.1"), bad(or_else=(ONE,))),
    case("space in the target", line(b"GET /victim x HTTP/1.1"), bad()),
    case("tab in the request line", line(b"GET\t/victim HTTP/1.1"), bad(or_else=(ONE,))),
    case("tab before the version", line(b"GET /victim\tHTTP/1.1"), bad(or_else=(ONE,))),
    case("space before the method", line(b" GET /victim HTTP/1.1"), bad()),
    case("space after the version", line(b"GET /victim HTTP/1.1 "), bad(or_else=(ONE,))),
    # A method is any token, and its case counts (RFC 9110 9.1); who does not know it says so.
    *[case(name, line(method + b" /victim HTTP/1.1"), (forwarded(Seen(b"/victim", method)), *bad(400, 405, 501))) for name, method in {
        "lower case method": b"get", "mixed case method": b"Get", "an unknown method": b"FROBNICATE", "LIST": b"LIST", "QUERY": b"QUERY",
        "VERSION-CONTROL": b"VERSION-CONTROL", "a method of 64 bytes": b"M" * 64, "a method of odd characters": b"!#$%&'*+-.^_`|~0",
        "a method called HTTP": b"HTTP", "a method of other protocols": b"SOURCE"}.items()],
    case("a method of 65 bytes", line(b"M" * 65 + b" /victim HTTP/1.1"), bad(or_else=(ONE,))),
    case("method with a control byte", line(b"G\x01ET /victim HTTP/1.1"), bad()),
    case("method with a separator", line(b"GE(T /victim HTTP/1.1"), bad()),
    case("method with a high byte", line(b"G\xcaT /victim HTTP/1.1"), bad()),
    case("method alone", line(b"GET"), bad()),
    case("method and target alone", line(b"GET /victim"), bad(or_else=(Outcome("as HTTP/0.9", ends=CLOSED, whole=False),))),
    case("no method", line(b"/victim HTTP/1.1"), bad()),
    case("empty request line", b"\r\n\r\n" + HOST + b"\r\n", bad()),
    case("one empty line first", b"\r\n" + get(CLOSE), (ONE, *bad())),
    case("two empty lines first", b"\r\n\r\n" + get(CLOSE), bad(or_else=(ONE,))),
    case("thousands of empty lines first", b"\r\n" * 20_000 + get(), bad(or_else=(ONE,))),
    case("a CR alone first", b"\r" + get(), bad(or_else=(ONE,))),
    case("lower case protocol", get(version=b"http/1.1"), bad(400, 505)),
    case("no such protocol", get(version=b"HTTPS/1.1"), bad(400, 505)),
    case("icecast protocol", line(b"SOURCE /victim ICE/1.0"), bad(400, 505)),
    case("rtsp protocol", line(b"OPTIONS /victim RTSP/1.0"), bad(400, 505)),
    case("not HTTP at all", b"\x05\x01\x00 hello there\r\n\r\n", bad()),
    case("a response instead of a request", b"HTTP/1.1 200 OK\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", bad(400, 505)),
    case("a JSON line", b'{"jsonrpc":"2.0"}\r\n\r\n', bad()),
    case("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
         (refused(400, 505), REFUSED_SOMEHOW, Outcome("taken for HTTP/2", arrived=(), whole=False, ends=CLOSED | {"open"}))),
    *[case("version " + version.decode(), get(version=version) + SMUGGLED, bad(400, 505)) for version in
      (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/11", b"HTTP/1.10", b"HTTP/1", b"HTTP/1.", b"HTTP/01.1", b"HTTP/1.1.1",
       b"HTTP/ 1.1", b"HTTP/1 .1", b"HTTP/+1.1", b"HTTP 1.1", b"HTTP/-1.1", b"HTTP/1,1")],
    case("version HTTP/1.2", get(version=b"HTTP/1.2"), bad(400, 505, or_else=(ONE,))),
    case("CONNECT", b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n" + SMUGGLED, bad(405)),
    case("CONNECT with a path", b"CONNECT /victim HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED, bad(400, 405)),
    case("CONNECT with a length", b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 44\r\n\r\n" + SMUGGLED, bad(400, 405)),
]

# --- Host and the target's form ---

HOSTS = [
    case("no host", get(host=b""), bad()),
    case("no host in HTTP/1.0", get(host=b"", version=b"HTTP/1.0"), (ONE, *bad())),
    case("two hosts", get(b"Host: other"), bad()),
    case("two equal hosts", get(b"Host: localhost"), bad()),
    case("two hosts in two spellings", get(b"HOST: other"), bad()),
    case("two hosts in HTTP/1.0", get(b"Host: other", version=b"HTTP/1.0"), bad()),
    case("empty host", get(host=b"Host:\r\n"), bad(or_else=(ONE,))),
    case("list of hosts", get(host=b"Host: localhost, other\r\n"), bad()),
    case("user in host", get(host=b"Host: user@localhost\r\n"), bad()),
    case("path in host", get(host=b"Host: localhost/x\r\n"), bad()),
    case("query in host", get(host=b"Host: localhost?x\r\n"), bad()),
    case("fragment in host", get(host=b"Host: localhost#x\r\n"), bad()),
    case("scheme in host", get(host=b"Host: http://localhost\r\n"), bad()),
    case("space in host", get(host=b"Host: local host\r\n"), bad()),
    case("tab in host", get(host=b"Host: local\thost\r\n"), bad()),
    case("backslash in host", get(host=b"Host: localhost\\x\r\n"), bad()),
    case("quote in host", get(host=b'Host: local"host\r\n'), bad()),
    case("angle bracket in host", get(host=b"Host: <script>\r\n"), bad()),
    case("high byte in host", get(host=b"Host: loc\xe9l\r\n"), bad()),
    case("escape in host", get(host=b"Host: local%68ost\r\n"), bad(or_else=(Outcome("kept", arrived=(Seen(),)),))),
    case("empty label in host", get(host=b"Host: local..host\r\n"), bad(or_else=(ONE,))),
    case("bad port in host", get(host=b"Host: localhost:8x\r\n"), bad()),
    case("port beyond 65535 in host", get(host=b"Host: localhost:65536\r\n"), bad(or_else=(ONE,))),
    case("negative port in host", get(host=b"Host: localhost:-1\r\n"), bad()),
    case("two ports in host", get(host=b"Host: localhost:80:81\r\n"), bad()),
    case("only a port in host", get(host=b"Host: :80\r\n"), bad()),
    case("unclosed bracket in host", get(host=b"Host: [::1\r\n"), bad()),
    case("no address in brackets", get(host=b"Host: [localhost]\r\n"), bad()),
    case("text after brackets", get(host=b"Host: [::1]x\r\n"), bad()),
    case("an IPv6 host", get(CLOSE, host=b"Host: [::1]:80\r\n"), (forwarded(Seen(has=((b"host", b"[::1]:80"),))), ONE)),
    case("space before the colon of host", get(host=b"Host : localhost\r\n"), bad()),
    case("absolute target against host", get(target=b"http://other/victim"),
         bad(or_else=(forwarded(Seen(b"/victim", has=((b"host", b"other"),))),))),
    case("absolute target with another port than host", get(target=b"http://localhost:81/victim"),
         bad(or_else=(forwarded(Seen(b"/victim", has=((b"host", b"localhost:81"),))),))),
    case("absolute target that fits", get(CLOSE, target=b"http://localhost/victim?x"), (forwarded(Seen(b"/victim?x", has=((b"host", b"localhost"),))), AS_IT_CAME)),
    case("absolute target in capitals", get(CLOSE, target=b"HTTP://LOCALHOST/victim"), (forwarded(Seen(b"/victim")), AS_IT_CAME)),
    case("absolute target without a path", get(CLOSE, target=b"http://localhost"), (forwarded(Seen(b"/")), AS_IT_CAME)),
    case("absolute target with only a query", get(CLOSE, target=b"http://localhost?x=1"), (forwarded(Seen(b"/?x=1")), AS_IT_CAME, REFUSED_SOMEHOW)),
    case("absolute target without a host", get(target=b"http:///victim"), bad()),
    case("absolute target without Host", get(target=b"http://localhost/victim", host=b""), bad()),
    case("absolute target with one slash", get(target=b"http:/victim"), bad()),
    case("absolute target with a user", get(target=b"http://user:pass@localhost/victim"), bad()),
    case("absolute target with a fragment", get(target=b"http://localhost/victim#x"), bad()),
    case("absolute target with a backslash", get(target=b"http://localhost\\@other/victim"), bad()),
    case("absolute target with dot segments", get(CLOSE, target=b"http://localhost/a/../victim"),
         (forwarded(Seen(b"/a/../victim")), ONE, AS_IT_CAME, REFUSED_SOMEHOW)),
    case("other scheme", get(target=b"ftp://localhost/victim"), bad()),
    case("target of a file", get(target=b"file:///etc/passwd"), bad()),
    case("authority as target", get(target=b"localhost:80"), bad()),
    case("no slash in front", get(target=b"victim"), bad()),
    case("asterisk with GET", get(target=b"*"), bad()),
    case("asterisk with a query", get(target=b"*?x", method=b"OPTIONS"), bad()),
    case("OPTIONS of the server", get(CLOSE, target=b"*", method=b"OPTIONS"),
         (forwarded(Seen(b"*", b"OPTIONS")), Outcome("answered here", arrived=(), answers=(Got({200, 204, 400, 405}),)))),
    case("OPTIONS of the server in absolute form", get(CLOSE, target=b"http://localhost", method=b"OPTIONS"),
         (forwarded(Seen(b"*", b"OPTIONS")), Outcome("answered here", arrived=(), answers=(Got({200, 204, 400, 405}),)))),
]

# --- paths ---

import path_rules  # noqa: E402  (below the builders that read like this file's head)


def path(name, target, *outcomes, method=b"GET"):
    """A path with one reading: each other outcome aside, no endpoint may see one that another reader takes elsewhere."""
    return case(name, get(CLOSE, target=target, method=method), (*outcomes, path_rules.ONE_READING))


def to(target, origin="public"):
    return forwarded(Seen(target, origin=origin))


PATHS = [
    # No reader takes them, or readers take them to different rules.
    *[path(name, target, refused()) for name, target in {
        "fragment in the target": b"/victim#x", "NUL in the target": b"/victim\x00", "DEL in the target": b"/victim\x7f",
        "encoded NUL": b"/victim%00", "encoded NUL before an extension": b"/victim%00.png", "an escape with a space": b"/victim%2 0",
        "path above the root": b"/../victim",
        "encoded path above the root": b"/%2e%2e/victim", "far above the root": b"/a/../../victim",
        "a slash encoded twice above the root": b"/..%252fvictim", "a parameter above the root": b"/..;x/victim",
        "dot segments out of a prefix": b"/private/../victim", "dot segments into a prefix": b"/public/../private",
        "encoded dot segments into a prefix": b"/public/%2e%2e/private", "half encoded dot segments": b"/public/.%2E/private",
        "encoded slash and dot segments": b"/public/..%2fprivate", "backslash and dot segments": b"/public/..\\private",
        "encoded backslash and dot segments": b"/public/..%5cprivate", "semicolon and dot segments": b"/public/..;/private",
        "semicolon with a parameter": b"/public/..;x=1/private", "semicolon behind a segment": b"/private;x/y",
        "dot segments and an empty one": b"/public//../private", "dot segments after an empty one": b"/public/x//../../private",
        "overlong slash": b"/public/..%c0%afprivate", "overlong dots": b"/public/%c0%ae%c0%ae/private",
        "overlong slash of three bytes": b"/public/..%e0%80%afprivate", "overlong slash of four bytes": b"/public/..%f0%80%80%afprivate",
        "encoded CR LF": b"/victim%0d%0aX-One:%201", "encoded LF": b"/victim%0a", "encoded tab": b"/victim%09",
        "encoded escape byte": b"/victim%1b", "encoded DEL": b"/victim%7f",
    }.items()],
    # Every reader takes them to the same rule: they go on as they came.
    *[path(name, target, to(target), refused()) for name, target in {
        "angle bracket in the target": b"/victim<x", "quote in the target": b'/victim"x',
        "brace in the target": b"/victim{x}", "bar in the target": b"/victim|x", "caret in the target": b"/victim^x",
        "backtick in the target": b"/victim`x", "backslash in the target": b"/victim\\x",
        "high byte in the target": b"/victim\xe9", "UTF-8 in the target": b"/\xc3\xa9", "encoded slash": b"/victim%2fx",
        "encoded slash in capitals": b"/victim%2Fx", "encoded backslash": b"/victim%5cx", "half an escape": b"/victim%2",
        "a percent sign alone": b"/victim%", "no escape at all": b"/victim%zz", "an escape in IIS form": b"/victim%u002f",
        "a scoped package": b"/@a%2fb", "a parameter": b"/a;b=1", "a tilde encoded": b"/%7Eu", "a letter encoded": b"/%41",
        "several of them": b"/a/b%2fc//d;e",
    }.items()],
    path("dot segments within a prefix", b"/private/a/../b", to(b"/private/a/../b", "private"), to(b"/private/b", "private"), refused()),
    path("dot segments within the root", b"/a/b/../c", to(b"/a/b/../c"), to(b"/a/c"), refused()),
    path("a dot segment alone", b"/a/./b", to(b"/a/./b"), to(b"/a/b"), refused()),
    path("a dot segment at the end", b"/a/b/.", to(b"/a/b/."), to(b"/a/b/"), refused()),
    path("two dots at the end", b"/a/b/..", to(b"/a/b/.."), to(b"/a/"), refused()),
    path("dots that are no segments", b"/a..b/...x/..c", to(b"/a..b/...x/..c")),
    path("a hidden file", b"/.well-known/x", to(b"/.well-known/x")),
    path("double slash before a prefix", b"//private/x", refused(), to(b"/private/x", "private")),
    path("double slash inside a prefix", b"/private//x", to(b"/private//x", "private"), to(b"/private/x", "private"), refused()),
    path("double slashes elsewhere", b"/a//b///c//", to(b"/a//b///c//"), to(b"/a/b/c/"), refused()),
    path("encoded letters of a prefix", b"/%70rivate/x", refused(), to(b"/private/x", "private")),
    path("a prefix encoded whole", b"/%70%72%69%76%61%74%65", refused(), to(b"/private", "private")),
    path("letters of a prefix encoded twice", b"/%2570rivate/x", refused(), to(b"/%2570rivate/x")),
    path("a slash encoded twice", b"/public/..%252fprivate", refused(), to(b"/public/..%252fprivate")),
    path("an escape in small letters", b"/caf%c3%a9", to(b"/caf%c3%a9"), to(b"/caf%C3%A9")),
    path("an escape that is no UTF-8", b"/caf%e9", to(b"/caf%e9"), to(b"/caf%E9")),
    path("reserved characters stay encoded", b"/a%3fb%23c%40d%3bx", to(b"/a%3fb%23c%40d%3bx"), to(b"/a%3Fb%23c%40d%3Bx")),
    path("sub-delimiters stay", b"/a!$&'()*+,=:@b", to(b"/a!$&'()*+,=:@b")),
    path("a name that only begins like a prefix", b"/privateer", to(b"/privateer"), to(b"/privateer", "private")),
    path("a prefix in capitals", b"/PRIVATE/x", to(b"/PRIVATE/x")),
    path("a query with everything", b"/victim?a=/../%2f..%00;//\\", to(b"/victim?a=/../%2f..%00;//\\"), refused()),
    path("an empty query", b"/victim?", to(b"/victim?")),
    path("two question marks", b"/victim?a?b", to(b"/victim?a?b")),
    path("a fragment in the query", b"/victim?a#b", refused()),
    path("a space in the query", b"/victim?a b", refused()),
    path("a NUL in the query", b"/victim?a\x00b", refused()),
    path("a high byte in the query", b"/victim?a\xe9", to(b"/victim?a\xe9"), refused()),
    path("a target of 20,000 bytes", b"/" + b"a" * 20_000, refused(414)),
]

# --- chunks ---


def chunks(body, *lines):
    return post(TE, *lines, body=body)


CHUNKS = [
    *[case(name, chunks(body + SMUGGLED), (CUT, BOTH)) for name, body in {
        "NUL in an extension": b"5;a\x00b\r\nhello\r\n0\r\n\r\n",
        "control byte in an extension": b"5;a\x01b\r\nhello\r\n0\r\n\r\n",
        "endless extension": b"5;" + b"a" * 200_000 + b"\r\nhello\r\n0\r\n\r\n",
        "many zeros in front of a size": b"0" * 100_000 + b"5\r\nhello\r\n0\r\n\r\n",
        "folded trailer": b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
        "folded first trailer": b"5\r\nhello\r\n0\r\n X: a\r\n\r\n",
        "trailer without colon": b"5\r\nhello\r\n0\r\nX\r\n\r\n",
        "trailer with space before the colon": b"5\r\nhello\r\n0\r\nX : a\r\n\r\n",
        "trailer with an empty name": b"5\r\nhello\r\n0\r\n: a\r\n\r\n",
        "trailer with a NUL": b"5\r\nhello\r\n0\r\nX: a\x00\r\n\r\n",
        "endless trailers": b"5\r\nhello\r\n0\r\n" + b"X: a\r\n" * 40_000 + b"\r\n",
    }.items()],
    *[case(name, chunks(body + SMUGGLED), CUT) for name, body in {
        "size is not a number": b"x\r\nhello\r\n0\r\n\r\n",
        "empty size": b"\r\nhello\r\n0\r\n\r\n",
        "size with plus": b"+5\r\nhello\r\n0\r\n\r\n",
        "size with minus": b"-5\r\nhello\r\n0\r\n\r\n",
        "size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
        "size with h": b"5h\r\nhello\r\n0\r\n\r\n",
        "size with underscore": b"1_0\r\nhellohellohello!\r\n0\r\n\r\n",
        "size with a letter beyond f": b"5g\r\nhello\r\n0\r\n\r\n",
        "size with space in front": b" 5\r\nhello\r\n0\r\n\r\n",
        "size with tab in front": b"\t5\r\nhello\r\n0\r\n\r\n",
        "size of 17 digits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "size of 2^64 - 1": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "size that wraps to 5": b"100000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
        "size with a comma": b"5,5\r\nhello\r\n0\r\n\r\n",
        "size with a NUL": b"5\x00\r\nhello\r\n0\r\n\r\n",
        "data longer than its size": b"5\r\nhelloXX0\r\n\r\n",
        "data shorter than its size": b"6\r\nhello\r\n0\r\n\r\n",
        "CR X instead of CRLF after the size": b"5\rXhello\r\n0\r\n\r\n",
        "CR X instead of CRLF after the data": b"5\r\nhello\rX0\r\n\r\n",
        "bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
        "CR X ends the body": b"0\r\n\rX",
        "no CRLF between size 0 and the end": b"0\r\rX",
        "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        "a quoted line end in an extension": b'5;a="\r\nhello\r\n0\r\n\r\n',
        "bare CR in a trailer": b"5\r\nhello\r\n0\r\nX: a\rb\r\n\r\n",
    }.items()],
    # Old readers take these, a bare LF for a line end above all (RFC 9112 2.2), and may as long as it is written anew.
    *[case(name, chunks(body, CLOSE), (CUT, forwarded(HELLO))) for name, body in {
        "bare LF after the size": b"5\nhello\r\n0\r\n\r\n", "bare LF after the data": b"5\r\nhello\n0\r\n\r\n",
        "bare LF ends the body": b"5\r\nhello\r\n0\r\n\n", "bare LF after size 0": b"5\r\nhello\r\n0\n\r\n",
        "bare LF after a trailer": b"5\r\nhello\r\n0\r\nX: a\n\r\n", "bare LFs only": b"5\nhello\n0\n\n",
        "an extension of a semicolon alone": b"5;\r\nhello\r\n0\r\n\r\n",
        "a coding in the trailers": b"5\r\nhello\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n",
        "size with space behind": b"5 \r\nhello\r\n0\r\n\r\n", "size with spaces before an extension": b"5 ;a\r\nhello\r\n0\r\n\r\n",
    }.items()],
    *[case(name, chunks(body, CLOSE), (forwarded(Seen(b"/victim", body=b"hello", lacks=(b"x-trailer", b"content-length"))), forwarded(HELLO), CUT))
      for name, body in {
          "leading zeros are written anew": b"00005\r\nhello\r\n000\r\n\r\n",
          "capital digits": b"5\r\nhello\r\n0\r\n\r\n",
          "an extension is dropped": b"5;name=value\r\nhello\r\n0;x\r\n\r\n",
          "an extension with a quoted semicolon": b'5;a="b;c"\r\nhello\r\n0\r\n\r\n',
          "byte by byte": b"1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n",
          "a trailer is dropped": b"5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
          "a length in the trailers": b"5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n",
          "a host in the trailers": b"5\r\nhello\r\n0\r\nHost: other\r\n\r\n",
          "an authorization in the trailers": b"5\r\nhello\r\n0\r\nAuthorization: x\r\n\r\n",
      }.items()],
    case("a chunked body, then another request", chunks(b"5\r\nhello\r\n0\r\n\r\n" + get(CLOSE, target=b"/next")),
         forwarded(HELLO, Seen(b"/next"))),
    case("chunks in pieces that cut every line end",
         (post(TE, CLOSE), b"5\r", b"\nhel", b"lo\r", b"\n0", b"\r", b"\n\r", b"\n"), forwarded(HELLO)),
    case("a chunked body that ends early", chunks(b"5\r\nhel"), CUT, finish=True),
    case("a chunked body without its last chunk", chunks(b"5\r\nhello\r\n"), CUT, finish=True),
    case("a chunked body without its last CRLF", chunks(b"5\r\nhello\r\n0\r\n"), CUT, finish=True),
]

# --- Connection, Expect, keeping and pipelining ---

KEPT = (b"Connection: close, Host, Content-Length, X-Forwarded-For, Authorization, Cookie, X-Private",
        b"X-Private: 1", b"Authorization: Bearer kept", b"Cookie: a=b", b"Content-Length: 5")


def names(*lines, has=(), lacks=(), body=b""):
    return get(*lines, CLOSE, method=b"POST" if body else b"GET") + body, \
        (forwarded(Seen(b"/victim", has=has, lacks=(b"connection",) + lacks)), REFUSED_SOMEHOW,
         forwarded(Seen(b"/victim", has=has, lacks=lacks)))


CONNECTION = [
    case("Connection names what must survive", post(*KEPT, body=b"hello"),
         (forwarded(Seen(body=b"hello", has=(b"host", b"x-forwarded-for", (b"authorization", b"Bearer kept"), (b"cookie", b"a=b")),
                         lacks=(b"x-private",))), REFUSED_SOMEHOW)),
    *[case("Connection names " + name.decode(), *names(b"Connection: " + name, name + b": kept", has=((name.lower(), b"kept"),)))
      for name in (b"Authorization", b"Cookie", b"Origin", b"Cache-Control", b"Content-Type", b"If-None-Match", b"Range",
                   b"Sec-Fetch-Site", b"User-Agent", b"Accept-Encoding")],
    case("Connection names Host", *names(b"Connection: Host", has=((b"host", b"localhost"),))),
    case("Connection names Content-Length", *names(b"Connection: Content-Length", b"Content-Length: 5", body=b"hello",
                                                   has=((b"content-length", b"5"),))),
    case("Connection names Transfer-Encoding", chunks(b"5\r\nhello\r\n0\r\n\r\n", b"Connection: Transfer-Encoding", CLOSE),
         (forwarded(HELLO), REFUSED_SOMEHOW)),
    case("Connection names X-Forwarded-For", get(b"Connection: X-Forwarded-For, X-Forwarded-Proto, X-Real-IP", CLOSE),
         (forwarded(Seen(has=(b"x-forwarded-for", b"x-forwarded-proto"))), Outcome("not added here", arrived=(VICTIM,)), REFUSED_SOMEHOW)),
    case("Connection names a private field", *names(b"Connection: X-Private", b"X-Private: 1", lacks=(b"x-private",))),
    case("Connection names a private field in capitals", *names(b"Connection: x-PRIVATE", b"X-Private: 1", lacks=(b"x-private",))),
    case("Connection names several over two fields", *names(b"Connection: X-A", b"X-A: 1", b"Connection: ,, X-B ,", b"X-B: 1",
                                                             lacks=(b"x-a", b"x-b"))),
    case("hop-by-hop fields stay behind", *names(b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: trailers", b"Trailer: X",
                                                  b"Proxy-Authorization: Basic x",
                                                  lacks=(b"keep-alive", b"proxy-connection", b"te", b"proxy-authorization"))),
    case("an empty Connection", *names(b"Connection:")),
    case("Connection of commas", *names(b"Connection: , ,,")),
    case("Connection with close among others", get(b"Connection: keep-alive, close") + SMUGGLED, forwarded(VICTIM, ends=CLOSED)),
    case("keep-alive after close", get(b"Connection: close", b"Connection: keep-alive") + SMUGGLED, forwarded(VICTIM, ends=CLOSED)),
    case("CLOSE in capitals", get(b"CONNECTION: CLOSE") + SMUGGLED, forwarded(VICTIM, ends=CLOSED)),
    case("close with a tab in front", get(b"Connection:\tclose") + SMUGGLED, forwarded(VICTIM, ends=CLOSED)),
    case("forged X-Forwarded fields do not pass", get(b"X-Forwarded-For: 6.6.6.6", b"X-Real-IP: 6.6.6.6", CLOSE),
         (forwarded(Seen(has=((b"x-forwarded-for", b"127.0.0.1"),), lacks=(b"x-real-ip",))), ONE)),
    case("underscore twins do not pass", get(b"X_Forwarded_For: 6.6.6.6", CLOSE), (forwarded(Seen(lacks=(b"x_forwarded_for",))), ONE)),
    case("kept after a request", get(), forwarded(VICTIM, ends={"reusable"})),
    case("kept after a body", post(b"Content-Length: 5", body=b"hello"), forwarded(HELLO, ends={"reusable"})),
    case("kept after a chunked body", chunks(b"5\r\nhello\r\n0\r\n\r\n"), forwarded(HELLO, ends={"reusable"})),
    case("closed when asked", get(CLOSE), forwarded(VICTIM, ends=CLOSED)),
    case("HTTP/1.0 is closed", get(version=b"HTTP/1.0") + SMUGGLED, forwarded(VICTIM, ends=CLOSED)),
    case("HTTP/1.0 is kept when asked", get(b"Connection: keep-alive", version=b"HTTP/1.0"),
         (forwarded(VICTIM, ends={"reusable"}), forwarded(VICTIM, ends=CLOSED))),
    case("HTTP/1.0 with a length", post(b"Content-Length: 5", version=b"HTTP/1.0", body=b"hello"), forwarded(HELLO, ends=CLOSED)),
    case("three requests at once", get(target=b"/1") + get(target=b"/2") + get(CLOSE, target=b"/3"),
         forwarded(Seen(b"/1"), Seen(b"/2"), Seen(b"/3"))),
    case("a head between two others", get(target=b"/1") + get(target=b"/2", method=b"HEAD") + get(CLOSE, target=b"/3"),
         forwarded(Seen(b"/1"), Seen(b"/2", b"HEAD"), Seen(b"/3")), methods=(b"GET", b"HEAD", b"GET")),
    case("a bad request after a good one", get(target=b"/good") + get(b"X : y"),
         Outcome("one, then refused", arrived=(Seen(b"/good"),), answers=(Got(200), Got(400)), ends=CLOSED)),
    case("a good request after a bad one", get(b"X : y") + SMUGGLED, bad()),
    case("a good request after a refused path", get(target=b"/a%00b") + SMUGGLED,
         (refused(), Outcome("both forwarded", arrived=(Seen(), Seen(b"/smuggled")), answers=(Got(), Got(200))))),
    case("one empty line between requests", get(target=b"/1") + b"\r\n" + get(CLOSE, target=b"/2"),
         (forwarded(Seen(b"/1"), Seen(b"/2")), Outcome("one, then refused", arrived=(Seen(b"/1"),), answers=(Got(200), Got(400)), ends=CLOSED))),
    case("the next request in pieces", (get(target=b"/1") + b"GE", b"T /2 HTTP/1.1\r\nHost: localho", b"st\r\nConnection: close\r\n\r\n"),
         forwarded(Seen(b"/1"), Seen(b"/2"))),
    case("Expect, then the body", (post(b"Expect: 100-continue", b"Content-Length: 5", CLOSE), b"hello"), forwarded(HELLO)),
    case("Expect in capitals with a body", post(b"Expect: 100-Continue", b"Content-Length: 5", CLOSE, body=b"hello"), forwarded(HELLO)),
    case("Expect without a body", get(b"Expect: 100-continue", CLOSE), ONE),
    case("Expect in HTTP/1.0", post(b"Expect: 100-continue", b"Content-Length: 5", version=b"HTTP/1.0", body=b"hello"),
         Outcome("no interim", arrived=(HELLO,), answers=(Got(200, interim=()),), ends=CLOSED)),
    case("an unknown Expect", post(b"Expect: 200-ok", b"Content-Length: 5", CLOSE, body=b"hello"), bad(417, or_else=(forwarded(HELLO),))),
    case("a known and an unknown Expect", post(b"Expect: 100-continue", b"Expect: x", b"Content-Length: 5", CLOSE, body=b"hello"),
         bad(417, or_else=(forwarded(HELLO),))),
    case("Expect with a space in it", post(b"Expect: 100- continue", b"Content-Length: 5", CLOSE, body=b"hello"),
         bad(417, or_else=(forwarded(HELLO),))),
]

# --- upgrades ---

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Version: 13")
NO_UPGRADE = (b"upgrade", b"http2-settings")
REFUSES = Answer((b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",))


def plainly(*lines):
    """Taken as the plain request it also is, and what follows as the next one: nothing here is a tunnel."""
    return get(*lines) + get(CLOSE, target=b"/next"), (
        Outcome("plain, then the next", arrived=(Seen(b"/victim", lacks=NO_UPGRADE), Seen(b"/next")), answers=(Got(200, lacks=(b"upgrade",)), Got(200)), ends=CLOSED),
        Outcome("plain, then closed", arrived=(Seen(b"/victim", lacks=NO_UPGRADE),), answers=(Got(200),), ends=CLOSED),
        Outcome("passed on, and answered plainly", arrived=(Seen(b"/victim"), Seen(b"/next")), answers=(Got(200), Got(200)), ends=CLOSED),
        REFUSED_SOMEHOW)


def no_tunnel(target):
    """The endpoint refused: what follows is read as a request, or not at all."""
    def check(observed):
        came = [(one.target, one.origin) for one in observed.arrived]
        if came not in ([(target, "public")], [(target, "public"), (b"/private", "private")]):
            return f"the endpoints saw {came}"
        statuses = [one.status for one in observed.responses]
        return None if statuses == [403, 200][:len(came)] else f"the client got {statuses}"
    return Outcome("no tunnel", ends=CLOSED, check=check)


UPGRADES = [
    case("h2c upgrade", *plainly(b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__")),
    case("h2c upgrade without settings", *plainly(b"Upgrade: h2c", b"Connection: Upgrade")),
    case("h2c settings without Connection", *plainly(b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")),
    case("h2c with a body", post(b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__",
                                 b"Content-Length: 5", CLOSE, body=b"hello"),
         (forwarded(Seen(body=b"hello", lacks=NO_UPGRADE)), forwarded(HELLO), REFUSED_SOMEHOW)),
    case("h2c in HTTP/1.0", get(b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__",
                                version=b"HTTP/1.0"), (forwarded(Seen(lacks=NO_UPGRADE)), ONE, REFUSED_SOMEHOW)),
    case("TLS upgrade", *plainly(b"Upgrade: TLS/1.0", b"Connection: Upgrade")),
    case("upgrade by Proxy-Connection", *plainly(b"Upgrade: websocket", b"Proxy-Connection: upgrade")),
    case("Upgrade without Connection", *plainly(b"Upgrade: websocket", b"Sec-WebSocket-Key: " + KEY)),
    case("Connection without Upgrade", *plainly(b"Connection: Upgrade")),
    case("WebSocket upgrade in HTTP/1.0", get(*UPGRADE, version=b"HTTP/1.0"),
         (forwarded(Seen(lacks=NO_UPGRADE), ends=CLOSED), REFUSED_SOMEHOW, ONE)),
    case("WebSocket with a length", get(*UPGRADE, b"Content-Length: 5") + b"hello" + SMUGGLED,
         bad(or_else=(Outcome("with the body", arrived=(Seen(body=b"hello"),), whole=False), BOTH))),
    case("WebSocket with chunks", get(*UPGRADE, TE) + b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
         bad(or_else=(Outcome("with the body", arrived=(Seen(body=b"hello"),), whole=False), BOTH))),
    case("WebSocket by POST", post(*UPGRADE, b"Content-Length: 0", body=SMUGGLED), (
        Outcome("426", arrived=(), answers=(Got(426),), ends=CLOSED), REFUSED_SOMEHOW,
        Outcome("as POST", arrived=(Seen(method=b"POST"),), whole=False))),
    case("WebSocket version 12", get(*UPGRADE[:3], b"Sec-WebSocket-Version: 12") + SMUGGLED, (
        Outcome("426", arrived=(), answers=(Got(426, has=((b"sec-websocket-version", b"13"),)),), ends=CLOSED),
        Outcome("left to the endpoint", arrived=(Seen(),), whole=False))),
    case("WebSocket without a key", get(UPGRADE[0], UPGRADE[1], UPGRADE[3]) + SMUGGLED, (
        Outcome("426", arrived=(), answers=(Got(426),), ends=CLOSED), REFUSED_SOMEHOW,
        Outcome("left to the endpoint", arrived=(Seen(),), whole=False))),
    case("WebSocket with two keys", get(*UPGRADE, UPGRADE[2]), (
        Outcome("426", arrived=(), answers=(Got(426),)), REFUSED_SOMEHOW, Outcome("left to the endpoint", arrived=(Seen(),)))),
    case("bytes after a refused upgrade", get(*UPGRADE, target=b"/answer/refused-upgrade") + get(CLOSE, target=b"/private"),
         no_tunnel(b"/answer/refused-upgrade"), path=b"/answer/refused-upgrade", answer=REFUSES),
    case("bytes after a refusal", (get(*UPGRADE, target=b"/answer/refusal"), get(CLOSE, target=b"/private")),
         no_tunnel(b"/answer/refusal"), path=b"/answer/refusal", answer=REFUSES),
    case("WebSocket opens and passes bytes", get(*UPGRADE), Outcome("tunnel", arrived=(Seen(has=((b"upgrade", b"websocket"),)),),
         answers=(Got(101),), tunnel=b"\x81\x85\x00\x00\x00\x00hello", reused=False), after_101=b"\x81\x85\x00\x00\x00\x00hello"),
    case("WebSocket in capitals", get(b"UPGRADE: WebSocket", b"Connection: keep-alive, UPGRADE", *UPGRADE[2:]),
         Outcome("tunnel", arrived=(Seen(),), answers=(Got(101),)), ),
]

CASES = FRAMING + LINES + START + HOSTS + PATHS + CHUNKS + CONNECTION + UPGRADES
