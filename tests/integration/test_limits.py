"""Limits: each is reached, and seen in the status, the log, the counter and what becomes of the connection; everybody else
is still served. Rate limits have a file of their own."""

import time

import pytest

from configs import plain_listener, simple, tls_listener
from metrics import LOCAL_ADMIN, number
from raw import Connection, Truncated, fetch
from settings import patience
from websocket_client import WebSocket


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http):
    config = simple(node_http, admin=LOCAL_ADMIN, limits={
        "head_size": "8KiB", "target_size": "1KiB", "header_fields": 50, "body_size": "64KiB", "request_head_timeout": "500ms",
        "keepalive_timeout": "700ms", "idle_timeout": "700ms"})
    config["routes"].append({"name": "large", "match": {"path": "/large"}, "upstream": "api", "body_size": "1MiB"})
    return start_shared_gateway(config)


def assert_refused_and_closed(gateway, connection, status, cause):
    response = connection.read_response()
    assert (response.status, response.json()["error"]) == (status, cause)
    assert connection.read_to_end() == b""
    line = gateway.exchange(response)
    assert (line["cause"], line["fault"]) == (cause, "client")
    assert_counted(gateway, line)
    assert fetch(gateway.port, target="/echo").status == 200


def assert_counted(gateway, line):
    """The counter of what `line` tells says how often the log has told it."""
    told = len(gateway.find(cause=line["cause"], stage=line["stage"]))
    assert told > 0
    assert number(gateway, "postern_failures_total", cause=line["cause"], stage=line["stage"]) == told


def request_of(*lines, target="/echo"):
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


@pytest.mark.parametrize("lines", [["X-Big: " + "a" * 9000], [f"X-{number}: {'a' * 200}" for number in range(45)]],
                         ids=["one", "many"])
def test_large_head_is_431(gateway, lines):
    with Connection(gateway.port) as connection:
        connection.send(request_of(*lines))
        assert_refused_and_closed(gateway, connection, 431, "head_too_large")


def test_too_many_fields_are_431(gateway):
    with Connection(gateway.port) as connection:
        connection.send(request_of(*[f"X-{number}: 1" for number in range(60)]))
        assert_refused_and_closed(gateway, connection, 431, "head_too_large")


def test_head_that_never_ends_is_431(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: " + b"a" * 20_000)
        assert_refused_and_closed(gateway, connection, 431, "head_too_large")


def test_long_target_is_414(gateway):
    with Connection(gateway.port) as connection:
        connection.send(request_of(target="/echo?" + "a" * 1100))
        assert_refused_and_closed(gateway, connection, 414, "target_too_long")


def test_head_and_target_just_below_their_limits_pass(gateway):
    assert fetch(gateway.port, target="/echo?" + "a" * (1024 - len("/echo?"))).status == 200
    assert fetch(gateway.port, target="/echo", headers={"X-Big": "a" * 7900}).status == 200
    assert fetch(gateway.port, target="/echo", headers=[(f"X-{number}", "1") for number in range(48)]).status == 200


def test_large_body_is_413_before_it_is_sent(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n")
        assert_refused_and_closed(gateway, connection, 413, "body_too_large")


def test_large_body_without_a_length_is_413(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n8001\r\n" + b"x" * 0x8001 + b"\r\n0\r\n\r\n")
        assert_refused_and_closed(gateway, connection, 413, "body_too_large")


def test_body_at_its_limit_passes_and_a_route_may_allow_more(gateway):
    assert fetch(gateway.port, "POST", "/echo", body=b"x" * 65536).json()["body_bytes"] == 65536
    assert fetch(gateway.port, "POST", "/large/echo", body=b"x" * 1048576).json()["body_bytes"] == 1048576
    assert fetch(gateway.port, "POST", "/large/echo", {"Expect": "100-continue", "Content-Length": "1048577"}).status == 413


def test_head_that_does_not_come_is_408(gateway):
    with Connection(gateway.port) as connection:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: local")
        begun = time.monotonic()
        assert_refused_and_closed(gateway, connection, 408, "client_timed_out")
        assert time.monotonic() - begun < patience(5)


def test_head_that_trickles_is_408_all_the_same(gateway):
    """A byte now and then must not move the deadline."""
    with Connection(gateway.port, timeout=10) as connection:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        connection.socket.settimeout(0.1)
        deadline = time.monotonic() + patience(5)
        while time.monotonic() < deadline:
            try:
                if connection.fill():
                    break
            except (TimeoutError, OSError):
                connection.send(b"a")
        connection.socket.settimeout(patience(5))
        assert connection.read_response().status == 408


def test_body_that_stops_coming_is_408(gateway):
    mark = gateway.mark()
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo?stops HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        response = connection.read_response()
        assert (response.status, response.json()["error"]) == (408, "client_timed_out")
        assert connection.read_to_end() == b""
    line = gateway.wait_for("exchange", since=mark, target="/echo?stops")
    assert (line["cause"], line["stage"], line["fault"]) == ("client_timed_out", "request_body", "client")
    assert line["detail"] == "no byte of the body came for 700 ms"
    assert_counted(gateway, line)


def test_reader_that_stops_taking_is_cut(gateway):
    mark = gateway.mark()
    with Connection(gateway.port, receive_buffer=16384) as connection:
        connection.send(b"GET /bytes?n=50000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.read_head().status == 200
        line = gateway.wait_for("exchange", since=mark, timeout=20, target="/bytes?n=50000000")
        assert (line["cause"], line["stage"]) == ("client_timed_out", "response_body")
        assert_counted(gateway, line)
        with pytest.raises(Truncated):
            connection.take(50_000_000)


def test_unused_connection_is_closed_quietly(gateway):
    with Connection(gateway.port) as connection:
        assert connection.request("GET", "/echo").status == 200
        assert connection.at_end()
    with Connection(gateway.port) as connection:
        assert connection.at_end()  # never said anything: nothing to answer


def drip(connection, data=b"x", every=0.05, longest=20):
    """Sends `data` again and again until something comes back or the connection is gone."""
    deadline = time.monotonic() + patience(longest)
    connection.socket.settimeout(every)
    while time.monotonic() < deadline:
        try:
            if not connection.fill():
                break
            break
        except TimeoutError:
            connection.send(data)
    connection.socket.settimeout(patience(10))


def test_body_that_drips_is_408(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, admin=LOCAL_ADMIN, limits={"request_body_rate": "1MiB/s", "idle_timeout": "500ms"}))
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        drip(connection)
        response = connection.read_response()
        assert (response.status, response.json()["error"]) == (408, "client_too_slow")
        assert connection.read_to_end() == b""
    line = gateway.exchange(response)
    assert (line["stage"], line["detail"]) == ("request_body", "fewer than 1048576 bytes of the body in a second")
    assert_counted(gateway, line)
    assert fetch(gateway.port, "POST", "/echo", body=b"x" * 100_000).status == 200


def test_request_that_is_not_whole_in_time_is_408(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, admin=LOCAL_ADMIN, limits={"request_body_rate": "none"},
                                   route={"limits": {"request_timeout": "600ms"}}))
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        drip(connection)
        response = connection.read_response()
        assert (response.status, response.json()["error"]) == (408, "client_timed_out")
        assert connection.read_to_end() == b""
    line = gateway.exchange(response)
    assert (line["stage"], line["detail"]) == ("request_body", "the request is not whole after 600 ms")
    assert_counted(gateway, line)


def test_reader_that_takes_too_little_is_cut(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, admin=LOCAL_ADMIN,
                                   limits={"response_body_rate": "1GiB/s", "idle_timeout": "2s"}))
    with Connection(gateway.port, receive_buffer=16384) as connection:
        connection.send(b"GET /bytes?n=50000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.read_head().status == 200
        with pytest.raises((Truncated, OSError)):
            for _ in range(1000):
                connection.take(50_000)
                time.sleep(0.01)
    line = gateway.wait_for("exchange", target="/bytes?n=50000000")
    assert (line["cause"], line["stage"], line["fault"]) == ("client_too_slow", "response_body", "client")
    assert line["detail"] == "fewer than 1073741824 bytes of the body in a second"
    assert_counted(gateway, line)


def test_last_request_of_a_connection_says_so(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"requests_per_connection": 3}))
    with Connection(gateway.port) as connection:
        answers = [connection.request("GET", "/echo") for _ in range(3)]
        assert [answer.status for answer in answers] == [200] * 3
        assert [answer.header("connection") for answer in answers] == [None, None, "close"]
        assert connection.at_end()


def test_tls_handshake_that_does_not_come_is_given_up(start_gateway, node_http, site):
    gateway = start_gateway(simple(node_http, admin=LOCAL_ADMIN, listeners=[tls_listener(site)],
                                   limits={"tls_handshake_timeout": "300ms"}))
    with Connection(gateway.tls_port) as connection:
        assert connection.at_end()
    line = gateway.wait_for("tls_handshake_failed")
    assert (line["cause"], line["stage"], line["fault"]) == ("client_timed_out", "tls_handshake", "client")
    assert_counted(gateway, line)


def refused(port):
    """What a connection is told that sends a request at once: its status, or None when it is just closed."""
    with Connection(port) as connection:
        try:
            connection.send(request_of())
            response = connection.read_response()
        except (Truncated, OSError):
            return None
        assert response.header("connection") == "close" and connection.at_end()
        return response.status


def test_connections_over_the_limit_are_told_so_and_do_not_starve_the_others(start_gateway, node_http, site):
    gateway = start_gateway(simple(node_http, admin=LOCAL_ADMIN, limits={"connections": 8},
                                   listeners=[plain_listener(), tls_listener(site)]))
    kept = [Connection(gateway.port) for _ in range(8)]
    for connection in kept:
        assert connection.request("GET", "/echo").status == 200
    assert [refused(gateway.port) for _ in range(5)] == [503] * 5
    assert refused(gateway.tls_port) is None
    line = gateway.wait_for("connection_refused")
    assert (line["cause"], line["stage"], line["fault"], line["client"]) == ("overloaded", "accept", "gateway", "127.0.0.1")
    assert number(gateway, "postern_failures_total", cause="overloaded", stage="accept") == 6
    for connection in kept:
        assert connection.request("GET", "/echo").status == 200
        connection.close()
    retry_until_served(gateway)


def test_connections_of_one_client_are_limited_over_all_workers(start_gateway, node_http, site):
    gateway = start_gateway(simple(node_http, workers=2, admin=LOCAL_ADMIN, limits={"connections_per_client": 4},
                                   listeners=[plain_listener(), tls_listener(site)]))
    kept = [Connection(gateway.port) for _ in range(4)]
    for connection in kept:
        assert connection.request("GET", "/echo").status == 200
    assert [refused(gateway.port) for _ in range(6)] == [429] * 6
    assert refused(gateway.tls_port) is None
    line = gateway.wait_for("connection_refused")
    assert (line["cause"], line["stage"], line["fault"]) == ("too_many_connections", "accept", "client")
    assert number(gateway, "postern_failures_total", cause="too_many_connections", stage="accept") == 7
    for connection in kept:
        assert connection.request("GET", "/echo").status == 200
        connection.close()
    retry_until_served(gateway)


def test_sockets_of_one_client_count_as_well(start_gateway, node_ws, site, trust):
    gateway = start_gateway(simple(node_ws, limits={"connections_per_client": 3},
                                   listeners=[plain_listener(), tls_listener(site)]))
    with WebSocket(gateway.port, "/ws/echo"), WebSocket(gateway.tls_port, "/ws/echo", tls=trust):
        with WebSocket(gateway.port, "/ws/echo") as third:
            assert refused(gateway.port) == 429
            third.close()
        retry_until_served(gateway, target="/")


def test_trusted_proxies_may_have_any_number_of_connections(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, trusted_proxies=["127.0.0.1"], limits={"connections_per_client": 2}))
    kept = [Connection(gateway.port) for _ in range(6)]
    for connection in kept:
        assert connection.request("GET", "/echo").status == 200
        connection.close()


def test_client_behind_proxy_protocol_is_the_one_that_is_counted(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, limits={"connections_per_client": 2},
                                   listeners=[plain_listener(proxy_protocol={"trust": ["127.0.0.1"]})]))
    kept = []

    def ask(client):
        connection = Connection(gateway.port)
        kept.append(connection)
        connection.send(f"PROXY TCP4 {client} 192.0.2.1 40000 80\r\n".encode() + request_of())
        return connection.read_response().status

    assert [ask("203.0.113.1") for _ in range(3)] == [200, 200, 429]
    assert [ask("203.0.113.2") for _ in range(3)] == [200, 200, 429]
    for connection in kept:
        connection.close()


def retry_until_served(gateway, timeout=10, target="/echo"):
    """A place becomes free when the gateway has seen the others leave, which takes a moment."""
    deadline = time.monotonic() + patience(timeout)
    while True:
        try:
            if fetch(gateway.port, target=target, timeout=timeout).status == 200:
                return
        except (Truncated, OSError):
            pass
        assert time.monotonic() < deadline, "never served again"


def test_running_out_of_descriptors_pauses_accepting_and_recovers(start_gateway, node_http):
    gateway = start_gateway(simple(node_http), descriptors=100)
    with Connection(gateway.port) as early:
        assert early.request("GET", "/echo").status == 200
        mark = gateway.mark()
        flood = [Connection(gateway.port) for _ in range(150)]  # the kernel queues what is not accepted
        line = gateway.wait_for(lambda line: "descriptor" in str(line).lower() or "emfile" in str(line).lower(), since=mark)
        assert line
        for _ in range(20):
            assert early.request("GET", "/whoami").status in (200, 502, 503)  # not hung: this one is already in
        ticks = cpu_ticks(gateway.pid)
        begun = time.monotonic()
        assert early.request("GET", "/whoami").status in (200, 502, 503)
        elapsed = time.monotonic() - begun
        assert cpu_ticks(gateway.pid) - ticks <= 50 + 100 * elapsed
        for connection in flood:
            connection.close()
        retry_until_served(gateway)
        assert early.request("GET", "/whoami").status == 200
    said = gateway.find(since=mark)
    assert len([line for line in said if line.get("event") not in ("exchange", "tunnel_open", "tunnel_close")]) < 50, \
        "the shortage is said again and again"


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.slow
def test_nothing_is_left_behind_by_clients_that_leave(start_gateway, node_http):
    """Connections cut at many points: no descriptor stays open."""
    gateway = start_gateway(simple(node_http, workers=1))
    assert fetch(gateway.port, target="/echo").status == 200
    before = gateway.descriptor_count()
    request = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000
    for cut in range(0, 300):
        connection = Connection(gateway.port)
        connection.send(request[:cut * 70 % len(request)])
        if cut % 3 == 0:
            connection.reset()
        elif cut % 3 == 1:
            connection.close()
        else:
            connection.finish()
            connection.read_to_end()
            connection.close()
    deadline = time.monotonic() + patience(20)
    while gateway.descriptor_count() > before + 4:  # a few kept connections to the endpoint are fine
        assert fetch(gateway.port, target="/echo").status == 200
        assert time.monotonic() < deadline, f"{before} descriptors before, {gateway.descriptor_count()} now"
