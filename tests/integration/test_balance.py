"""How an endpoint is chosen, with real endpoints and two workers."""

import select
import threading
import time
from collections import Counter

from configs import simple
from raw import Connection, fetch
from settings import patience


def named(name):
    """A script that answers every request with the endpoint's name."""

    def script(peer):
        while peer.read_request() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))

    return script


def ask(gateway, fields=(), target="/x"):
    response = fetch(gateway.port, target=target, headers=dict(fields))
    assert response.status == 200
    return response.body


def test_weights_and_a_backup(start_gateway, endpoint):
    heavy, light, spare = (endpoint(named(name)) for name in (b"heavy", b"light", b"spare"))
    gateway = start_gateway(simple({"url": heavy.url, "weight": 3}, light, {"url": spare.url, "backup": True}, workers=1))
    assert Counter(ask(gateway) for _ in range(40)) == {b"heavy": 30, b"light": 10}
    heavy.stop()
    light.stop()
    assert {ask(gateway) for _ in range(10)} == {b"spare"}


def test_a_hash_keeps_a_value_at_its_endpoint_over_workers_and_reloads(start_gateway, endpoint):
    ends = [endpoint(named(name)) for name in (b"a", b"b", b"c", b"d")]
    balance = {"balance": {"hash": {"header": "X-Room"}}}

    def config(count):
        return simple(*ends[:count], upstream_options=balance, workers=2)

    def homes():
        found = {}
        for room in range(40):
            answers = {ask(gateway, {"X-Room": f"r{room}"}) for _ in range(3)}  # a connection each: either worker's
            assert len(answers) == 1
            found[room] = answers.pop()
        return found

    gateway = start_gateway(config(3))
    before = homes()
    assert set(before.values()) == {b"a", b"b", b"c"}
    gateway.reload(config(4))
    after = homes()
    moved = [room for room in before if before[room] != after[room]]
    assert 0 < len(moved) < 20 and {after[room] for room in moved} == {b"d"}
    gateway.reload(config(3))
    assert homes() == before


class Gate:
    """An endpoint's script that holds every request until it is opened, and counts how many it has at once."""

    def __init__(self):
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, peer):
        while peer.read_request() is not None:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            self.open.wait(patience(30))
            with self.lock:
                self.now -= 1
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def together(gateway, count):
    """`count` requests at once, each on its own connection."""
    connections = [Connection(gateway.port) for _ in range(count)]
    for connection in connections:
        connection.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connections


def answered(connections, count):
    """Waits until `count` of them have something to read; returns these."""
    deadline = time.monotonic() + patience(10)
    while len(readable := select.select(connections, [], [], 0.02)[0]) < count:
        assert time.monotonic() < deadline, f"{len(readable)} of {count} were answered"
    return readable


def test_max_requests_is_exact_over_two_workers(start_gateway, endpoint):
    gate = Gate()
    limited = endpoint(gate)
    gateway = start_gateway(simple({"url": limited.url, "max_requests": 5}, workers=2))
    connections = together(gateway, 20)
    limited.wait_until(lambda: len(limited.requests) == 5)
    answered(connections, 15)
    gate.open.set()
    statuses = Counter(connection.read_response().status for connection in connections)
    assert statuses == {200: 5, 503: 15}
    assert gate.most == 5
    for connection in connections:
        connection.close()
    assert fetch(gateway.port, target="/x").status == 200  # all places are free again


def test_a_queue_over_two_workers_serves_everybody_within_the_limit(start_gateway, endpoint):
    gate = Gate()
    limited = endpoint(gate)
    gateway = start_gateway(simple({"url": limited.url, "max_requests": 3}, workers=2,
                                   upstream_options={"queue": {"size": 17, "timeout": "20s"}}))
    connections = together(gateway, 24)
    limited.wait_until(lambda: len(limited.requests) == 3)
    answered(connections, 4)  # 3 have a place, 17 wait, the others are refused
    assert len(select.select(connections, [], [], 0)[0]) == 4
    gate.open.set()
    statuses = Counter(connection.read_response().status for connection in connections)
    assert statuses == {200: 20, 503: 4}
    assert gate.most <= 3
    for connection in connections:
        connection.close()


SECRET = "0123456789abcdef0123456789abcdef"


def cookie_of(response):
    return response.header("Set-Cookie").partition(";")[0]


def test_a_sticky_cookie_holds_over_workers_instances_and_reloads(start_gateway, endpoint):
    ends = {name: endpoint(named(name)) for name in (b"a", b"b", b"c")}
    config = simple(*ends.values(), workers=2, upstream_options={"sticky": {"cookie": "route", "secret": SECRET}})
    gateway, other = start_gateway(config), start_gateway(config)
    homes = {}
    while len(homes) < 3:
        response = fetch(gateway.port, target="/x")
        homes[response.body] = cookie_of(response)
    for name, cookie in homes.items():
        for instance in (gateway, other):
            for _ in range(4):  # a connection each: either worker's
                response = fetch(instance.port, target="/x", headers={"Cookie": f"mine=1; {cookie}"})
                assert response.body == name and response.header("Set-Cookie") is None
        assert all(b"route=" not in head and (b"mine=1" in head or b"Cookie" not in head)
                   for head, _ in ends[name].requests)
    config["upstreams"]["api"]["endpoints"].reverse()
    gateway.reload(config)
    for name, cookie in homes.items():
        assert ask(gateway, {"Cookie": cookie}) == name
    # An endpoint that is gone: another one, and a new cookie that holds.
    ends[b"b"].stop()
    moved = fetch(gateway.port, target="/x", headers={"Cookie": homes[b"b"]})
    assert moved.body in (b"a", b"c") and cookie_of(moved) != homes[b"b"]
    assert {ask(gateway, {"Cookie": cookie_of(moved)}) for _ in range(6)} == {moved.body}
    # A forged one is as good as none.
    forged = fetch(gateway.port, target="/x", headers={"Cookie": homes[b"a"][:-4] + "AAAA"})
    assert forged.status == 200 and forged.header("Set-Cookie") is not None
    gateway.stop()
    other.stop()
    assert SECRET not in gateway.tail(10_000)
