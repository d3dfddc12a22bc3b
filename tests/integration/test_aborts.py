"""Many requests, a third of them cut off at random points: nothing is left behind."""

import hashlib
import random
import time

import pytest

from configs import simple
from metrics import LOCAL_ADMIN, read, wait_for_number
from raw import Connection, Truncated, fetch
from settings import SLOW_BUILD, patience

REQUESTS = 2_000 if SLOW_BUILD else 20_000
MEMORY = 6 * 1024 * 1024
POOL = 8     # connections to the endpoint that each worker keeps
WORKERS = 2
HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\n\r\n"
REQUEST = HEAD + b"x" * 3000


def aborted(port, chance):
    """A request that ends somewhere: in its head, in its body, or in the response."""
    with Connection(port) as connection:
        if chance.random() < 0.5:
            connection.send(REQUEST[:chance.randrange(len(REQUEST))])
        else:
            connection.send(b"GET /bytes?n=200000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.socket.recv(chance.randrange(1, 50_000))
        if chance.random() < 0.5:
            connection.reset()


class Run:
    """`count` requests, a third aborted; the others must all be answered, each with its own answer, on connections that are
    kept. Meanwhile no more descriptors are open than clients and pools may have."""

    def __init__(self, gateway, count, chance):
        self.answered = self.cut = 0
        self.ports = set()   # of the connections to the endpoint, as it sees them
        self.descriptors = 0
        with Connection(gateway.port) as kept:
            for number in range(count):
                if number % 200 == 0:
                    self.descriptors = max(self.descriptors, gateway.descriptor_count())
                if chance.random() < 1 / 3:
                    aborted(gateway.port, chance)
                    self.cut += 1
                    continue
                body = chance.randbytes(3000)
                kept.send(HEAD + body)
                answer = kept.read_response().json()
                assert answer["body_sha256"] == hashlib.sha256(body).hexdigest()
                self.ports.add(answer["client_port"])
                self.answered += 1


def settled_descriptors(gateway, wanted):
    deadline = time.monotonic() + patience(20)
    while (count := gateway.descriptor_count()) > wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return count


@pytest.mark.slow
def test_a_third_of_all_requests_aborted_leaves_nothing_behind(start_gateway, node_http):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    gateway = start_gateway(simple(
        node_http, admin=LOCAL_ADMIN, log={"access": False}, workers=WORKERS, limits={"requests_per_connection": "none"},
        upstream_options={"keepalive_connections": POOL, "timeouts": {"keepalive": "2s"}}))
    idle = gateway.descriptor_count()
    Run(gateway, REQUESTS // 10, chance)  # pools and buffers reach their size
    settled_descriptors(gateway, idle)
    before = gateway.resident_bytes()
    done = Run(gateway, REQUESTS, chance)
    assert done.answered + done.cut == REQUESTS and done.cut > REQUESTS // 4
    # An abort may cost a connection to the endpoint; all other requests find one that has served before.
    assert len(done.ports) < done.answered / 2
    # One client that stays, some that the gateway has yet to see leaving, and one connection to the endpoint for each.
    assert done.descriptors <= idle + WORKERS * POOL + 40
    # Kept connections to the endpoint are closed after two seconds: then as few are open as at the start.
    assert settled_descriptors(gateway, idle) <= idle
    wait_for_number(gateway, 0, "postern_http_connections_open")
    if not SLOW_BUILD:
        assert gateway.resident_bytes() - before < MEMORY
    attempts = read(gateway)[("postern_upstream_attempts_total", (("upstream", "api"),))]
    assert attempts >= done.answered
    assert fetch(gateway.port, target="/echo").status == 200
