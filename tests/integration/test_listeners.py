"""Where a listener listens: localhost is both of the machine's loopback addresses, at one port, over reloads too."""

import socket

import pytest

from configs import simple, tls_listener
from raw import Connection
from settings import patience


def is_own(address):
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


LOOPBACKS = [address for address in ("127.0.0.1", "::1") if is_own(address)]   # what localhost is on this machine


def at(address, port):
    """As the log writes it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def listener(port=0, host="localhost", **more):
    return {"address": f"{host}:{port}", **more}


def ask(port, address, target="/echo"):
    with Connection(port, host=address) as connection:
        return connection.request("GET", target)


def closed(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(patience(5))
        return probe.connect_ex((host, port)) != 0


@pytest.mark.parametrize("host", ["localhost", "LocalHost"])
def test_localhost_is_every_loopback_address_at_one_port(start_gateway, node_http, host):
    gateway = start_gateway(simple(node_http, listeners=[listener(host=host)], workers=3))
    port = gateway.port
    assert [f"{host}:{number}" for host, number, _ in gateway.addresses()] == [at(address, port) for address in LOOPBACKS]
    for address in LOOPBACKS:
        for _ in range(12):  # whichever worker it is
            assert ask(port, address).status == 200


def test_the_facts_of_a_listener_hold_on_each(start_gateway, node_http, authority, trust):
    leaf = authority.issue("both", ["localhost"])
    gateway = start_gateway(simple(node_http, listeners=[
        listener(redirect="https"), {**tls_listener(leaf), "address": "localhost:0"}]))
    plain, secured = gateway.port, gateway.tls_port
    assert [tls for _, _, tls in gateway.addresses()] == [False] * len(LOOPBACKS) + [True] * len(LOOPBACKS)
    for address in LOOPBACKS:
        response = ask(plain, address, "/x")
        assert (response.status, response.header("location")) == (308, f"https://localhost:{secured}/x")
        with Connection(secured, trust, host=address) as connection:
            assert connection.request("GET", "/echo").status == 200


def test_a_reload_keeps_all_and_takes_each_away(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, listeners=[listener()]))
    port = gateway.port
    with Connection(port, host=LOOPBACKS[-1]) as connection:
        assert connection.request("GET", "/echo").status == 200
        mark = gateway.mark()
        gateway.reload(simple(node_http, listeners=[listener()], via=False))
        assert not gateway.find("listening", since=mark) and not gateway.find("listener_closed", since=mark)
        assert connection.request("GET", "/echo").status == 200
    for address in LOOPBACKS:
        assert ask(port, address).status == 200
    # The name gives way to an address and comes back, at a port that is written down.
    def reload(*hosts):
        mark = gateway.mark()
        gateway.reload(simple(node_http, listeners=[listener(number, host) for host, number in hosts]))
        return ([line["address"] for line in gateway.find("listening", since=mark)],
                [line["address"] for line in gateway.find("listener_closed", since=mark)])

    number = free_port()
    opened, gone = reload(("localhost", number))
    assert opened == [at(address, number) for address in LOOPBACKS] and sorted(gone) == [at(address, port) for address in LOOPBACKS]
    for kept in LOOPBACKS:
        others = [address for address in LOOPBACKS if address != kept]
        assert reload((kept if kept == "127.0.0.1" else f"[{kept}]", number)) == ([], [at(address, number) for address in others])
        assert not closed(kept, number) and all(closed(address, number) for address in others)
        assert reload(("localhost", number)) == ([at(address, number) for address in others], [])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_a_port_that_is_taken_at_one_of_them_is_named(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, listeners=[{"address": "127.0.0.1:0"}]))
    with socket.socket(socket.AF_INET6 if ":" in LOOPBACKS[-1] else socket.AF_INET) as taken:
        taken.bind((LOOPBACKS[-1], 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = gateway.reload(simple(node_http, listeners=[listener(port)]), expect="reload_failed")
        assert f"{at(LOOPBACKS[-1], port)} is in use" in failed["problem"]
