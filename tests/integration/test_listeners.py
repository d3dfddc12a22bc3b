"""Where a listener listens: localhost is both of the machine's loopback addresses, at one port, over reloads too."""

import socket

import pytest

from configs import simple, tls_listener
from raw import Connection
from settings import patience


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no ::1")


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


@needs_ipv6
@pytest.mark.parametrize("host", ["localhost", "LocalHost"])
def test_localhost_is_both_addresses_at_one_port(start_gateway, node_http, host):
    gateway = start_gateway(simple(node_http, listeners=[listener(host=host)], workers=3))
    (first, port, _), (second, other_port, _) = gateway.addresses()
    assert (first, second) == ("127.0.0.1", "[::1]") and port == other_port
    for address in ("127.0.0.1", "::1"):
        for _ in range(12):  # whichever worker it is
            assert ask(port, address).status == 200


@needs_ipv6
def test_the_facts_of_a_listener_hold_on_both(start_gateway, node_http, authority, trust):
    leaf = authority.issue("both", ["localhost"])
    gateway = start_gateway(simple(node_http, listeners=[
        listener(redirect="https"), {**tls_listener(leaf), "address": "localhost:0"}]))
    plain, secured = gateway.port, gateway.tls_port
    assert [tls for _, _, tls in gateway.addresses()] == [False, False, True, True]
    for address in ("127.0.0.1", "::1"):
        response = ask(plain, address, "/x")
        assert (response.status, response.header("location")) == (308, f"https://localhost:{secured}/x")
        with Connection(secured, trust, host=address) as connection:
            assert connection.request("GET", "/echo").status == 200


@needs_ipv6
def test_a_reload_keeps_both_and_takes_each_away(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, listeners=[listener()]))
    port = gateway.port
    with Connection(port, host="::1") as connection:
        assert connection.request("GET", "/echo").status == 200
        mark = gateway.mark()
        gateway.reload(simple(node_http, listeners=[listener()], via=False))
        assert not gateway.find("listening", since=mark) and not gateway.find("listener_closed", since=mark)
        assert connection.request("GET", "/echo").status == 200
    for address in ("127.0.0.1", "::1"):
        assert ask(port, address).status == 200
    # The name gives way to an address and comes back, at a port that is written down.
    def reload(*hosts):
        mark = gateway.mark()
        gateway.reload(simple(node_http, listeners=[listener(number, host) for host, number in hosts]))
        return ([line["address"] for line in gateway.find("listening", since=mark)],
                [line["address"] for line in gateway.find("listener_closed", since=mark)])

    number = free_port()
    opened, gone = reload(("localhost", number))
    assert opened == [f"127.0.0.1:{number}", f"[::1]:{number}"] and sorted(gone) == [f"127.0.0.1:{port}", f"[::1]:{port}"]
    assert reload(("[::1]", number)) == ([], [f"127.0.0.1:{number}"])
    assert closed("127.0.0.1", number) and not closed("::1", number)
    assert reload(("localhost", number)) == ([f"127.0.0.1:{number}"], [])
    assert reload(("127.0.0.1", number)) == ([], [f"[::1]:{number}"])
    assert closed("::1", number) and not closed("127.0.0.1", number)
    assert reload(("localhost", number)) == ([f"[::1]:{number}"], [])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@needs_ipv6
def test_a_port_that_is_taken_at_one_of_them_is_named(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, listeners=[{"address": "127.0.0.1:0"}]))
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mark = gateway.mark()
        gateway.reload(simple(node_http, listeners=[listener(port)]), expect="reload_failed")
        assert f"[::1]:{port} is in use" in gateway.wait_for("reload_failed", since=mark)["problem"]
