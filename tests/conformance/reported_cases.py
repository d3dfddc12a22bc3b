"""Inputs that people reported of gateways, by what they need: a row of the table of `run.py --table` each.

Some are cases of the battery, named in BATTERY. The rest stand here: their proxies are those of TRUSTING, which believe
the one in front of them. Left out is what a plain proxy has no part in: tokens, which nginx and HAProxy do not judge
(where they are read from, claims, keys), and what is not HTTP: alerts of TLS, a drain, what `postern check` says."""

from case import Answer, Got, Outcome, Seen
from request_cases import UPGRADE, case, get
from response_cases import ok
from proxies import SILENCE, TOLD

BATTERY = {
    "methods that a parser's table does not have": ["LIST", "QUERY", "an unknown method", "lower case method"],
    "characters in paths": ["a scoped package", "double slashes elsewhere", "a parameter", "bar in the target",
                            "brace in the target", "caret in the target", "a tilde encoded", "a letter encoded",
                            "a percent sign alone", "UTF-8 in the target", "encoded slash", "encoded backslash"],
    "paths that servers read in two ways": ["encoded slash and dot segments", "semicolon and dot segments",
                                            "backslash and dot segments", "encoded dot segments into a prefix",
                                            "a slash encoded twice above the root"],
    "endpoints as they are": ["answer: length and chunked", "answer: two equal lengths", "answer: list of equal lengths",
                              "answer: bare LF everywhere", "answer: padded chunk size", "answer: folded field",
                              "answer: chunked twice"],
    "endpoints that contradict themselves": ["answer: two lengths", "answer: list of lengths"],
}

HTTPS = TOLD.rstrip()
PAGE = b"Origin: https://app.example.com"
BALANCED = (b"X-Forwarded-Host: app.example.com", HTTPS, PAGE)
BACKEND = b"Host: 10.1.2.3:8080\r\n"
ELSEWHERE = b"Origin: https://login.example"
NO_CORS = (b"access-control-allow-origin", b"access-control-allow-credentials")
MASKED = b"\x81\x85\x00\x00\x00\x00hello"
PASSED = Outcome("passed", arrived=(Seen(),), answers=(Got(200),))
OPENED = Outcome("tunnel", arrived=(Seen(),), answers=(Got(101),), tunnel=MASKED)


# Checks whose sentences are the table's words for what came instead.

def client(name, *fields, is_):
    """The client is that one, for the proxy and for the endpoint."""
    def check(observed):
        known, told = observed.arrived[0].get(b"x-real-ip", b"nobody"), observed.arrived[0].listed(b"x-forwarded-for")
        if known != is_:
            return f"the client is {known.decode()}"
        return None if is_ in told else f"tells {b', '.join(told).decode()}"
    return case(name, get(*fields, HTTPS), Outcome("told", arrived=(Seen(),), answers=(Got(200),), check=check))


def location(name, value):
    """A redirect of an endpoint to itself leads to the gateway."""
    def check(observed):
        got = observed.responses[0].get(b"location", b"none")
        ours = (b"//app.test/foo", b"https://app.test/foo", b"http://app.test/foo", b"/foo")
        return None if got in ours else f"Location {got.decode()}"
    path = b"/answer/" + name.lower().replace(" ", "-").encode()
    return case(name, get(HTTPS, target=path, host=b"Host: app.test\r\n"), Outcome("relayed", answers=(Got(302),), check=check),
                path=path, answer=Answer((ok(b"Location: " + value, b"Content-Length: 0", status=b"HTTP/1.1 302 Found"),)))


def refusal(name, status, *fields):
    """The status of an endpoint that refuses an upgrade is what its client gets."""
    path = b"/hub?id=" + str(status).encode()
    return case(name, get(*UPGRADE, HTTPS, PAGE, *fields, target=path),
                Outcome("relayed", arrived=(Seen(),), answers=(Got(status),)),
                path=path, answer=Answer((b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status,)))


def as_it_was(observed):
    """The endpoint's own entity tag comes back to it, though compression made it a weak one for the client."""
    page = observed.responses[0]
    if page.get(b"content-encoding") != b"gzip":
        return "not compressed"
    tags = observed.arrived[1].all(b"if-match")
    return None if tags == [b'"v1"'] else f"If-Match: {b', '.join(tags).decode()}"


def found(observed):
    """A request that comes back is answered at once."""
    status, rounds = observed.responses[0].status, len(observed.arrived)
    return None if (status, rounds) == (508, 1) else f"{status} after {rounds} rounds"


TEXT = ok(b'ETag: "v1"', b"Content-Type: text/plain", b"Content-Length: 4000", body=b"text" * 1000)
STREAM = ok(b"Content-Type: text/event-stream", b"Transfer-Encoding: chunked")
EVENT = b"9\r\ndata: 1\n\n\r\n"

REPORTED = {
    "who the client is": [
        client("an address with a port", b"X-Forwarded-For: 203.0.113.9:51234", is_=b"203.0.113.9"),
        client("an IPv6 address with a port", b"X-Forwarded-For: [2001:db8::1]:443", is_=b"2001:db8::1"),
        client("an IPv6 address in quotes", b'X-Forwarded-For: "[2001:db8::1]"', is_=b"2001:db8::1"),
    ],
    "the scheme that the client used": [
        case("https, told twice", get(b"X-Forwarded-Proto: https,https"), PASSED),
        case("http is redirected", get(b"X-Forwarded-Proto: http"), Outcome("redirected", arrived=(), answers=(Got(308),))),
    ],
    # Plain proxies have no lists of origins and ask for no tokens: they pass what we pass in spite of ours.
    "pages": [
        case("a page of the host that was told", get(*BALANCED, target=b"/listed", host=BACKEND), PASSED),
        case("its socket", get(*UPGRADE, *BALANCED, target=b"/listed", host=BACKEND), OPENED, after_101=MASKED),
        case("a preflight has no token", get(HTTPS, PAGE, b"Access-Control-Request-Method: PUT", target=b"/token", method=b"OPTIONS"),
             Outcome("passed", arrived=(Seen(b"/token", b"OPTIONS"),), answers=(Got(200),)), methods=(b"OPTIONS", b"GET")),
        case("a form from elsewhere", get(HTTPS, ELSEWHERE, b"Sec-Fetch-Mode: navigate", b"Content-Length: 3", target=b"/listed",
                                          method=b"POST") + b"a=b",
             Outcome("passed", arrived=(Seen(body=b"a=b"),), answers=(Got(200, lacks=NO_CORS),))),
    ],
    "what leads back": [
        location("a Location without a scheme", b"//127.0.0.1:OWN-PORT/foo"),
        location("a Location with one", b"http://127.0.0.1:OWN-PORT/foo"),
        case("a tag that compression weakened", (
            get(HTTPS, b"Accept-Encoding: gzip", target=b"/answer/tag"),
            get(HTTPS, b'If-Match: W/"v1"', b"Content-Length: 0", target=b"/answer/tag", method=b"PUT")),
             Outcome("relayed", arrived=(Seen(), Seen()), answers=(Got(200), Got(200)), check=as_it_was),
             path=b"/answer/tag", answer=Answer((TEXT,)), methods=(b"GET", b"PUT", b"GET")),
        case("an endpoint that is the proxy itself", get(HTTPS, target=b"/answer/back"), Outcome("found", check=found),
             path=b"/answer/back", answer=Answer((), back=True)),
    ],
    "what endpoints say to upgrades": [
        refusal("404", 404),
        refusal("429 for graphql-transport-ws", 429, b"Sec-WebSocket-Protocol: graphql-transport-ws"),
    ],
    "ends and waits": [
        # An answer that takes its time: the client's end comes long before it.
        case("a request, then the client's end", get(HTTPS, target=b"/answer/half"),
             Outcome("answered", answers=(Got(200, b"hello"),), ends=frozenset({"closed"})),
             path=b"/answer/half", answer=Answer((b"", ok(b"Content-Length: 5", body=b"hello")), apart=0.3), finish=True),
        # 90 s where the others' limits are 60: both by a sixtieth.
        case("a silent event stream", get(HTTPS, target=b"/events"),
             Outcome("relayed", answers=(Got(200, b"data: 1\n\n" * 2),)), path=b"/events",
             answer=Answer((STREAM + EVENT, EVENT + b"0\r\n\r\n"), apart=1.5 * SILENCE)),
        # One of the two goes to the endpoint that refuses, whichever that is.
        case("an endpoint that is gone, and another", get(HTTPS, target=b"/two/a") + get(HTTPS, target=b"/two/b"),
             Outcome("retried", arrived=(Seen(b"/two/a"), Seen(b"/two/b")), answers=(Got(200), Got(200)))),
    ],
}

CASES = [one for members in REPORTED.values() for one in members]
