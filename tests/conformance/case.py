"""What a case is: bytes, what an endpoint answers, and the outcomes that are right.

A case names its outcomes in order. The first is what Postern promises, exactly; Postern is held to it alone. The others
are what a proxy may also do without two readers ever disagreeing, and other proxies pass with any of them."""

from dataclasses import dataclass, field
from typing import Callable, Optional

APART = 0.03   # seconds between two pieces that must not arrive together


@dataclass(frozen=True)
class Seen:
    """A request as the endpoint must have seen it. None: anything."""
    target: Optional[bytes] = None
    method: Optional[bytes] = None
    body: Optional[bytes] = None
    has: tuple = ()       # (name, value) pairs, or names
    lacks: tuple = ()     # names
    origin: Optional[str] = None

    def problem(self, request):
        for name, wanted, got in (("method", self.method, request.method), ("target", self.target, request.target),
                                  ("body", self.body, request.body), ("endpoint", self.origin, request.origin)):
            if wanted is not None and wanted != got:
                return f"the endpoint saw {name} {got!r}, not {wanted!r}"
        for entry in self.has:
            name, value = entry if isinstance(entry, tuple) else (entry, None)
            values = request.all(name)
            if not values or (value is not None and values != [value]):
                return f"the endpoint saw {name!r} as {values}"
        for name in self.lacks:
            if request.all(name):
                return f"the endpoint saw {name!r}: {request.all(name)}"
        return None


@dataclass(frozen=True)
class Got:
    """A final response as the client must have got it. None: anything."""
    status: object = None            # a number or a set of them
    body: Optional[bytes] = None
    has: tuple = ()
    lacks: tuple = ()
    framing: Optional[str] = None
    interim: Optional[tuple] = None  # the statuses of the 1xx before it
    trailers: Optional[tuple] = None

    def problem(self, response):
        if self.status is not None and response.status not in (self.status if isinstance(self.status, set) else {self.status}):
            return f"the client got status {response.status}, not {self.status}"
        if self.body is not None and response.body != self.body:
            return f"the client got body {response.body[:60]!r}, not {self.body!r}"
        if self.framing is not None and response.framing != self.framing:
            return f"the client got framing {response.framing}, not {self.framing}"
        if self.interim is not None and tuple(one.status for one in response.interim) != self.interim:
            return f"the client got interim {[one.status for one in response.interim]}, not {list(self.interim)}"
        if self.trailers is not None and tuple(response.trailers) != self.trailers:
            return f"the client got trailers {response.trailers}"
        for entry in self.has:
            name, value = entry if isinstance(entry, tuple) else (entry, None)
            values = response.all(name)
            if not values or (value is not None and values != [value]):
                return f"the client got {name!r} as {values}"
        for name in self.lacks:
            if response.all(name):
                return f"the client got {name!r}: {response.all(name)}"
        return None


@dataclass
class Observed:
    """What one run of a case showed."""
    arrived: list = field(default_factory=list)     # whole requests at any endpoint, in order; probes left out
    malformed: list = field(default_factory=list)   # sentences of endpoints that got something else than HTTP
    stuck: bool = False          # part of a request lies on a connection to an endpoint that is still open
    partial: bytes = b""         # what came of requests that never were whole
    responses: list = field(default_factory=list)   # whole final responses at the client
    rest: bytes = b""            # what the client got beyond them
    end: str = "open"            # how the client's connection is left: closed, reset, reusable, open
    client_problem: str = ""     # the client got something else than HTTP
    poisoned: str = ""           # another client got a wrong answer afterwards
    reused: Optional[bool] = None  # whether the endpoint's connection served another request afterwards
    tunnel: Optional[bytes] = None  # what came through after a 101


@dataclass(frozen=True)
class Outcome:
    label: str
    arrived: Optional[tuple] = None          # of Seen, all of them in order
    answers: Optional[tuple] = None          # of Got
    ends: frozenset = frozenset({"closed", "reset", "reusable"})
    whole: bool = True                       # nothing may be left over at the client
    silent: bool = False                     # the client may also get no answer at all
    reused: Optional[bool] = None
    tunnel: Optional[bytes] = None
    check: Optional[Callable] = None         # Observed → sentence or None

    def problem(self, observed):
        if observed.malformed:
            return "an endpoint got what is no HTTP: " + observed.malformed[0]
        if observed.client_problem:
            return "the client got what is no HTTP: " + observed.client_problem
        if observed.poisoned:
            return observed.poisoned
        if observed.stuck:
            return f"half a request is left on an open connection to the endpoint: {observed.partial[:80]!r}"
        if self.arrived is not None:
            if len(observed.arrived) != len(self.arrived):
                return f"the endpoint saw {len(observed.arrived)} requests, not {len(self.arrived)}: " + ", ".join(
                    f"{one.method.decode('latin-1')} {one.target[:40].decode('latin-1')}" for one in observed.arrived)
            for seen, request in zip(self.arrived, observed.arrived):
                if problem := seen.problem(request):
                    return problem
        if self.answers is not None and not (self.silent and not observed.responses):
            if len(observed.responses) != len(self.answers):
                return f"the client got {len(observed.responses)} answers, not {len(self.answers)}: " \
                       f"{[one.status for one in observed.responses]} {observed.rest[:60]!r}"
            for got, response in zip(self.answers, observed.responses):
                if problem := got.problem(response):
                    return problem
        if self.whole and observed.rest:
            return f"the client got more than answers: {observed.rest[:60]!r}"
        if observed.end not in self.ends:
            return f"the client's connection is {observed.end}, not {' or '.join(sorted(self.ends))}"
        if self.reused is not None and observed.reused is not None and observed.reused != self.reused:
            return f"the endpoint's connection was {'' if observed.reused else 'not '}used again"
        if self.tunnel is not None and observed.tunnel != self.tunnel:
            return f"the tunnel gave {observed.tunnel!r}"
        return self.check(observed) if self.check else None


@dataclass(frozen=True)
class Answer:
    """What an endpoint says to the case's request: pieces, each sent by itself, then an end."""
    pieces: tuple
    end: str = "keep"     # keep, close, reset; over TLS "close" says so first and "cut" does not
    before_body: bool = False   # answers as soon as it has the head
    apart: float = APART   # seconds before each piece but the first
    back: bool = False    # the request goes back to the proxy, and what that answers is the answer

    @property
    def seconds(self):
        """How long it takes."""
        return self.apart * max(0, len(self.pieces) - 1)


@dataclass(frozen=True)
class Case:
    name: str
    send: tuple                 # pieces, each sent by itself
    outcomes: tuple
    path: bytes = b"/victim"    # of the request that `answer` is for
    answer: Optional[Answer] = None
    methods: tuple = (b"GET",)  # of the requests sent, for reading their answers; the last goes for all that follow
    after_101: bytes = b""      # sent once the tunnel is open
    finish: bool = False        # the client ends its direction after what it sent

    @property
    def expected(self):
        """At most so many answers come."""
        return max((len(one.answers) for one in self.outcomes if one.answers is not None), default=1)


# Outcomes that many cases share

CLOSED = frozenset({"closed", "reset"})
REFUSALS = {400, 403, 404, 405, 408, 411, 413, 414, 416, 417, 421, 422, 426, 431, 500, 501, 502, 503, 505}


def refused(*statuses):
    """Nothing reached an endpoint; the client was told, and its connection closed."""
    statuses = set(statuses or {400})

    def nothing_came(observed):
        return f"the endpoint got a part: {observed.partial[:80]!r}" if observed.partial else None

    return Outcome(f"refused with {sorted(statuses)}", arrived=(), answers=(Got(statuses),), ends=CLOSED, check=nothing_came)


# What others may do in place of `refused`: any error status, or a close without a word.
REFUSED_SOMEHOW = Outcome("refused", arrived=(), answers=(Got(REFUSALS),), ends=CLOSED, silent=True)


def bad(*statuses, or_else=()):
    """Must be refused by everybody; Postern says it with one of `statuses`."""
    return (refused(*statuses), REFUSED_SOMEHOW, *or_else)


# A body that turns out bad while it is passed on: the endpoint never has a whole request of it, and nothing after it
# is read as a request.
CUT = Outcome("cut", arrived=(), answers=(Got({400, 413, 431, 502}),), ends=CLOSED, silent=True)


def forwarded(*seen, statuses=None, ends=None, **more):
    """These requests, and no others, came to endpoints, and each was answered."""
    statuses = statuses or [200] * len(seen)
    return Outcome("forwarded", arrived=seen, answers=tuple(Got(status) for status in statuses),
                   ends=frozenset(ends or {"closed", "reusable"}), **more)


def relayed(*got, ends=None, **more):
    """The client got these answers."""
    return Outcome("relayed", answers=got, ends=frozenset(ends or {"closed", "reusable"}), **more)


# The endpoint's answer is not taken: 502, whole, and its connection never serves another request.
BAD_GATEWAY = Outcome("bad gateway", answers=(Got(502),), reused=False)

# The endpoint's answer broke after its head had gone to the client: it never looks complete there.
TRUNCATED = Outcome("truncated", answers=(), ends=CLOSED, whole=False, reused=False)
