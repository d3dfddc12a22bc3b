"""The ends of connections, over real sockets: the last bytes of an answer, clients that end their direction, and slow readers."""

import re
import signal
import time

import pytest

from configs import plain_listener, simple, tls_listener
from raw import Connection, Truncated, fetch
from settings import patience

BUFFER = 16384  # of a client that takes its time, asked for: the system holds some more


def queued(port, client_port):
    """The bytes that the system holds on the way from `port` to `client_port`."""
    total = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            local, remote = (re.fullmatch(r"[0-9A-F]{8}:([0-9A-F]{4})", field) for field in fields[1:3])
            if not local:
                continue
            ports = int(local[1], 16), int(remote[1], 16)
            sent, received = (int(number, 16) for number in fields[4].split(":"))
            total += sent if ports == (port, client_port) else received if ports == (client_port, port) else 0
    return total


def ask(gateway, size, tls=None, fields=b""):
    """A request for `size` bytes, from a client that reads none of them yet."""
    connection = Connection(gateway.tls_port if tls else gateway.port, tls, receive_buffer=BUFFER)
    connection.send(b"GET /bytes?n=%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (size, fields))
    return connection


def room_on_the_way(gateway, tls=None):
    """How much the system takes of an answer whose client reads nothing."""
    port = gateway.tls_port if tls else gateway.port
    deadline = time.monotonic() + patience(30)
    while time.monotonic() < deadline:  # on a busy machine a time limit of the gateway may end the first ones
        with ask(gateway, 30_000_000, tls) as stuck:
            client_port = stuck.socket.getsockname()[1]
            last = -1
            for _ in range(10):
                time.sleep(0.3)
                now = queued(port, client_port)
                if now == last and now > 0:
                    stuck.reset()
                    return now
                last = now
            stuck.reset()
    raise AssertionError("the system takes nothing of an answer")


def just_too_large(gateway, tls=None):
    """Answers of which the gateway itself keeps a little, because the system has no room for it."""
    room = room_on_the_way(gateway, tls)
    return [room + extra for extra in range(-20_000, 60_000, 10_000)]


@pytest.mark.parametrize("how", ["plain", "close", "half-close", "tls"])
def test_a_drain_lets_slow_clients_have_the_ends_of_their_answers(start_gateway, node_http, site, trust, how):
    gateway = start_gateway(simple(node_http, listeners=[plain_listener(), tls_listener(site)], limits={"drain_timeout": "20s"}))
    tls = trust if how == "tls" else None
    sizes = just_too_large(gateway, tls)
    slow = [ask(gateway, size, tls, b"Connection: close\r\n" if how == "close" else b"") for size in sizes]
    if how == "half-close":
        for connection in slow:
            connection.finish()
    with Connection(gateway.port) as idle:
        assert idle.request("GET", "/whoami").status == 200
        time.sleep(0.5)  # whatever can be sent has been
        gateway.signal(signal.SIGTERM)
        assert idle.at_end()
    time.sleep(0.5)
    for size, connection in zip(sizes, slow):
        with connection:
            assert len(connection.read_response().body) == size
            assert connection.at_end()
    gateway.assert_clean(gateway.wait_exit())
    for size in sizes:
        assert gateway.find("exchange", target=f"/bytes?n={size}")[0]["cause"] is None


def test_the_keep_alive_limit_lets_slow_clients_have_the_ends_of_their_answers(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"keepalive_timeout": "300ms"}))
    sizes = just_too_large(gateway)
    slow = [ask(gateway, size) for size in sizes]
    time.sleep(1)
    for size, connection in zip(sizes, slow):
        with connection:
            assert len(connection.read_response().body) == size
            assert connection.at_end()


def test_an_answer_is_logged_when_it_is_out_and_by_how_it_ended(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"idle_timeout": "1s"}))
    size = room_on_the_way(gateway) + 40_000
    target = f"/bytes?n={size}"
    with ask(gateway, size) as leaves:
        time.sleep(0.3)
        assert not gateway.find("exchange", target=target)
        leaves.reset()
    line = gateway.wait_for("exchange", target=target)
    assert (line["status"], line["cause"], line["stage"]) == (200, "client_closed", "response_body")
    mark = gateway.mark()
    with ask(gateway, size) as takes_nothing:
        line = gateway.wait_for("exchange", since=mark, target=target)
        assert (line["cause"], line["stage"]) == ("client_timed_out", "response_body")
        with pytest.raises(Truncated):
            takes_nothing.read_response()


def test_a_client_that_ends_its_direction_gets_its_answers(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    with Connection(gateway.port) as client:
        client.send(b"GET /hold?name=half HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.finish()
        assert fetch(node_http.port, target="/held?name=half").status == 200
        fetch(node_http.port, target="/release?name=half")
        assert client.read_response().status == 200
        assert client.at_end()
    with Connection(gateway.port) as client:
        client.send(b"GET /bytes?n=100000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        client.finish()
        assert [len(client.read_response().body) for _ in range(3)] == [100_000] * 3
        assert client.at_end()
    with Connection(gateway.port) as client:
        client.send(b"GET /bytes?n=500000 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        client.finish()
        assert len(client.read_response().body) == 500_000
        assert client.at_end()


def test_a_reader_that_takes_bytes_all_the_time_is_not_cut(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"idle_timeout": "1s"}))
    with ask(gateway, 8_000_000) as slow:
        begun = time.monotonic()
        slow.read_head()
        taken = len(slow.buffer)
        while time.monotonic() - begun < 6:
            time.sleep(0.2)
            taken += len(slow.socket.recv(4096))
        slow.buffer.clear()
        assert len(slow.take(8_000_000 - taken)) == 8_000_000 - taken
    assert gateway.wait_for("exchange")["cause"] is None


def test_a_reader_that_takes_nothing_is_cut(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"idle_timeout": "500ms"}))
    with ask(gateway, 20_000_000):
        begun = time.monotonic()
        line = gateway.wait_for("exchange")
        assert time.monotonic() - begun < patience(5)
        assert line["cause"] == "client_timed_out"


def test_plain_http_on_the_tls_port_does_not_hold_a_drain(start_gateway, node_http, site):
    gateway = start_gateway(simple(node_http, listeners=[plain_listener(), tls_listener(site)], limits={"drain_timeout": "20s"}))
    assert fetch(gateway.tls_port, target="/echo").status == 400
    begun = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begun < patience(3)
