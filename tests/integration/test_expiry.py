"""Tokens that expire on thousands of open sockets and event streams: each ends at the time of its own token.

Nothing here fails because a machine is slow for a moment: what is asserted is that nobody ends early, that the usual one
ends when it should, and that none is forgotten. How late the last one was, and what it cost, is printed."""

import math
import os
import resource
import selectors
import socket
import statistics
import time

import backends
import tokens
from configs import upstream
from settings import repetitions

SECRET = "an-old-song-about-a-very-long-river"
SPREAD = 10  # seconds over which the tokens expire
OPENING = 100  # at a time


class Client:
    """One open socket or stream, and when it was told to end."""

    def __init__(self, kind, port, expires):
        self.kind, self.expires, self.received, self.is_open, self.ended = kind, expires, b"", False, None
        token = tokens.token("HS256", SECRET.encode(), {"sub": "reader", "exp": expires})
        upgrade = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n" if kind == "socket" else "")
        self.request = f"GET /{kind} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n".encode()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))

    def write(self):
        assert self.socket.send(self.request) == len(self.request)

    def read(self):
        data = self.socket.recv(4096)
        assert data, f"{self.kind}: cut, and not told"
        if not self.is_open:
            self.received += data
            head, end, data = self.received.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.split()[1] == (b"101" if self.kind == "socket" else b"200"), head
            self.is_open = True
        if data.startswith(b"\x88") if self.kind == "socket" else data.endswith(b"0\r\n\r\n"):
            self.ended = time.time()
            self.socket.close()


class Crowd:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.opened = []

    def open(self, make, count):
        opening, begun = set(), 0
        while begun < count or opening:
            while begun < count and len(opening) < OPENING:
                client = make(begun)
                begun += 1
                opening.add(client)
                self.opened.append(client)
                self.selector.register(client.socket, selectors.EVENT_WRITE, client)
            for key, events in self.selector.select(30):
                client = key.data
                if events & selectors.EVENT_WRITE:
                    client.write()
                    self.selector.modify(client.socket, selectors.EVENT_READ, client)
                    continue
                client.read()
                assert client.ended is None, f"{client.kind}: ended {client.expires - client.ended:.1f} s early"
                if client.is_open:
                    opening.discard(client)

    def watch_until(self, deadline):
        alive = len(self.opened)
        while alive and time.time() < deadline:
            for key, _ in self.selector.select(1):
                # Before it is read: a closed socket cannot be unregistered any more.
                descriptor = key.fd
                key.data.read()
                if key.data.ended is not None:
                    self.selector.unregister(descriptor)
                    alive -= 1
        return alive


def cpu_seconds(gateway):
    with open(f"/proc/{gateway.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_each_socket_and_stream_ends_at_the_time_of_its_token(start_gateway, start_backend):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sockets, streams = repetitions(10_000), repetitions(1_000)
    # A connection takes two descriptors of a gateway; where the limit is low, two gateways share the crowd.
    gateways = math.ceil((2 * (sockets + streams) + 500) / hard)
    endpoint = start_backend(backends.python, "holding.py")
    config = {
        "jwt": {"chat": {"secret": SECRET, "algorithms": ["HS256"], "leeway": "0s"}},
        "upstreams": {"held": upstream(endpoint)},
        "websocket": {"ping_interval": "none"}, "event_streams": {"comment_interval": "none"}, "log": {"access": False},
        "limits": {"connections": 20000, "connections_per_client": "none"},
        "routes": [{"name": "all", "upstream": "held", "jwt": "chat"}]}
    running = [start_gateway(config) for _ in range(gateways)]
    crowd = Crowd()

    def client(number, begin):
        kind = "stream" if number % 11 == 10 else "socket"
        return Client(kind, running[number % gateways].port, begin + number % SPREAD)

    # The first ones show how long the others need to open; their own tokens last as long.
    before, trial = time.time(), (sockets + streams) // 20
    far = int(before) + 600
    probe = Crowd()
    probe.open(lambda number: client(number, far), trial)
    rate = trial / (time.time() - before)
    for one in probe.opened:
        one.socket.close()
    begin = int(time.time() + 1.6 * (sockets + streams) / rate) + 5
    crowd.open(lambda number: client(number, begin), sockets + streams)
    assert time.time() < begin, "opening took too long for this test to say anything"
    time.sleep(max(0, begin - 0.5 - time.time()))
    spent = sum(map(cpu_seconds, running))
    alive = crowd.watch_until(begin + SPREAD + 10)
    spent = sum(map(cpu_seconds, running)) - spent
    assert alive == 0, f"{alive} are still open 10 s after the last token"
    for kind in ("socket", "stream"):
        late = sorted(one.ended - one.expires for one in crowd.opened if one.kind == kind)
        print(f"{len(late)} {kind}s: median {1000 * statistics.median(late):.0f} ms late, 99 % within "
              f"{1000 * late[len(late) * 99 // 100]:.0f} ms, the last {1000 * late[-1]:.0f} ms")
        # A worker's own clock stands still while it works off what has come at once.
        assert late[0] > -0.1, "one ended before its time"
        assert statistics.median(late) <= 0.25
    print(f"{1e6 * spent / len(crowd.opened):.0f} microseconds of CPU each, in {gateways} gateway(s)")
