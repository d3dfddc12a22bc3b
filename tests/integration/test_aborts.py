"""Many requests, a third of them cut off at random points: nothing is left behind."""

import random
import time

import pytest

from configs import simple
from metrics import LOCAL_ADMIN, read, wait_for_number
from raw import Connection, Truncated, fetch
from settings import SLOW_BUILD, patience

REQUESTS = 2_000 if SLOW_BUILD else 20_000
MEMORY = 6 * 1024 * 1024
REQUEST = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000


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


def run(port, count, chance):
    """`count` requests, a third aborted; the others must all be answered, on connections that are kept."""
    kept, answered, cut = Connection(port), 0, 0
    for _ in range(count):
        if chance.random() < 1 / 3:
            aborted(port, chance)
            cut += 1
            continue
        kept.send(REQUEST)
        assert kept.read_response().status == 200
        answered += 1
    kept.close()
    return answered, cut


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
        node_http, admin=LOCAL_ADMIN, log={"access": False},
        upstream_options={"keepalive_connections": 8, "timeouts": {"keepalive": "2s"}}))
    idle = gateway.descriptor_count()
    run(gateway.port, REQUESTS // 10, chance)  # pools and buffers reach their size
    settled_descriptors(gateway, idle)
    before = gateway.resident_bytes()
    answered, cut = run(gateway.port, REQUESTS, chance)
    assert answered + cut == REQUESTS and cut > REQUESTS // 4
    # Kept connections to the endpoint are closed after two seconds: then as few are open as at the start.
    assert settled_descriptors(gateway, idle) <= idle
    wait_for_number(gateway, 0, "postern_connections_open")
    if not SLOW_BUILD:
        assert gateway.resident_bytes() - before < MEMORY
    attempts = read(gateway)[("postern_upstream_attempts_total", (("upstream", "api"),))]
    assert attempts >= answered
    assert fetch(gateway.port, target="/echo").status == 200
