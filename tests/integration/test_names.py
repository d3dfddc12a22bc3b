"""Endpoints by name: looked up again when their answers have grown old, spread, and known through an outage."""

import time

import pytest

from configs import simple
from name_server import A, SRV, NameServer
from raw import Connection, fetch
from settings import patience


@pytest.fixture
def names():
    with NameServer() as server:
        yield server


def says(text):
    """A script that answers every request with `text`."""

    def script(peer):
        while peer.read_request() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))

    return script


@pytest.fixture
def servers(endpoint):
    """Endpoints on several loopback addresses and one port, each of which says its address."""

    def start(*hosts):
        made = [endpoint(says(hosts[0].encode()), host=hosts[0])]
        made += [endpoint(says(host.encode()), host=host, port=made[0].port) for host in hosts[1:]]
        return made
    return start


def asking(names, *endpoints, timeout="200ms", upstream_options=None, **more):
    return simple(*endpoints, workers=1, resolver={"nameservers": [names.address], "timeout": timeout},
                  upstream_options=upstream_options, **more)


def body(port):
    response = fetch(port, target="/x")
    return response.body.decode() if response.status == 200 else response.json()["error"]


def until(condition, timeout=10):
    deadline = time.monotonic() + patience(timeout)
    while not condition():
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(0.05)


def test_name_that_moves_is_followed_when_its_answer_has_grown_old(start_gateway, names, servers):
    first, _ = servers("127.0.0.2", "127.0.0.3")
    names.host("app.test", "127.0.0.2", ttl=2)
    gateway = start_gateway(asking(names, f"http://app.test:{first.port}"))
    assert body(gateway.port) == "127.0.0.2"
    names.host("app.test", "127.0.0.3", ttl=2)
    began = time.monotonic()
    assert body(gateway.port) == "127.0.0.2"  # the answer lives yet
    assert names.asked("app.test") == 1
    # Its old server is up and has a connection open that is in use all the time; the name counts all the same.
    until(lambda: body(gateway.port) == "127.0.0.3")
    assert time.monotonic() - began > 1.5
    assert all(body(gateway.port) == "127.0.0.3" for _ in range(5))
    assert names.asked("app.test") <= 4


def test_answer_is_not_asked_for_again_while_it_lives(start_gateway, names, servers):
    server, = servers("127.0.0.2")
    names.host("app.test", "127.0.0.2", ttl=60)
    gateway = start_gateway(asking(names, f"http://app.test:{server.port}", upstream_options={"keepalive_connections": 0}))
    assert [body(gateway.port) for _ in range(10)] == ["127.0.0.2"] * 10
    assert names.asked("app.test") == 1


def test_several_addresses_share_the_load(start_gateway, names, servers):
    hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    server = servers(*hosts)[0]
    names.host("app.test", *hosts)
    gateway = start_gateway(asking(names, f"http://app.test:{server.port}", upstream_options={"keepalive_connections": 0}))
    seen = [body(gateway.port) for _ in range(9)]
    assert {host: seen.count(host) for host in hosts} == {host: 3 for host in hosts}


def test_address_that_refuses_is_passed_over(start_gateway, names, servers):
    server, = servers("127.0.0.3")
    names.host("app.test", "127.0.0.2", "127.0.0.3")
    gateway = start_gateway(asking(names, f"http://app.test:{server.port}",
                                   upstream_options={"keepalive_connections": 0, "retries": 0}))
    assert [body(gateway.port) for _ in range(6)] == ["127.0.0.3"] * 6


def test_known_name_survives_an_outage_of_its_servers(start_gateway, names, servers):
    server, = servers("127.0.0.2")
    names.host("app.test", "127.0.0.2", ttl=1)
    gateway = start_gateway(asking(names, f"http://app.test:{server.port}", upstream_options={"keepalive_connections": 0}))
    assert body(gateway.port) == "127.0.0.2"
    names.silent = True
    until(lambda: body(gateway.port) == "127.0.0.2" and names.asked("app.test") > 1)
    for _ in range(10):
        began = time.monotonic()
        assert body(gateway.port) == "127.0.0.2"
        assert time.monotonic() - began < patience(2)
        time.sleep(0.1)
    names.silent = False
    names.host("app.test", "127.0.0.3", ttl=1)
    servers("127.0.0.3")
    until(lambda: body(gateway.port) != "127.0.0.2")


def test_unknown_name_is_told_and_not_asked_for_at_every_request(start_gateway, names, servers):
    server, = servers("127.0.0.2")
    gateway = start_gateway(asking(names, f"http://app.test:{server.port}", upstream_options={"retries": 0}))
    response = fetch(gateway.port, target="/x")
    assert (response.status, response.json()["error"]) == (502, "upstream_unresolved")
    assert "app.test could not be resolved: there is no such name" in gateway.exchange(response)["detail"]
    for _ in range(5):
        assert body(gateway.port) == "upstream_unresolved"
    assert names.asked("app.test") == 1
    names.host("app.test", "127.0.0.2")
    until(lambda: body(gateway.port) == "127.0.0.2")


def test_silent_name_server_costs_no_more_than_its_time_limit(start_gateway, names):
    names.silent = True
    gateway = start_gateway(asking(names, "http://app.test:80", timeout="100ms", upstream_options={"retries": 0}))
    began = time.monotonic()
    response = fetch(gateway.port, target="/x")
    assert time.monotonic() - began < patience(3)
    assert response.json()["error"] == "upstream_unresolved"
    assert "no name server answered in time" in gateway.exchange(response)["detail"]


# Services

def test_service_has_ports_and_priorities_in_its_records(start_gateway, names, endpoint):
    main, backup = endpoint(says(b"main")), endpoint(says(b"backup"))
    names.service("_http._tcp.app.test", (10, 5, main.port, "one.test"), (20, 5, backup.port, "two.test"))
    names.host("one.test", "127.0.0.1")
    names.host("two.test", "127.0.0.1")
    gateway = start_gateway(asking(names, "srv+http://_http._tcp.app.test"))
    assert [body(gateway.port) for _ in range(5)] == ["main"] * 5
    assert names.asked("_http._tcp.app.test", SRV) == 1 and names.asked("two.test") == 0
    main.stop()
    assert [body(gateway.port) for _ in range(3)] == ["backup"] * 3


def test_weights_share_the_load_of_a_service(start_gateway, names, endpoint):
    large, small = endpoint(says(b"large")), endpoint(says(b"small"))
    names.service("_http._tcp.app.test", (0, 80, large.port, "one.test"), (0, 20, small.port, "one.test"))
    names.host("one.test", "127.0.0.1")
    gateway = start_gateway(asking(names, "srv+http://_http._tcp.app.test", upstream_options={"keepalive_connections": 0}))
    seen = [body(gateway.port) for _ in range(100)]
    assert seen.count("large") + seen.count("small") == 100
    assert 60 <= seen.count("large") <= 95


def test_service_that_moves_is_followed_without_a_reload(start_gateway, names, endpoint):
    old, new = endpoint(says(b"old")), endpoint(says(b"new"))
    names.host("one.test", "127.0.0.1")
    names.service("_http._tcp.app.test", (0, 1, old.port, "one.test"), ttl=1)
    gateway = start_gateway(asking(names, "srv+http://_http._tcp.app.test"))
    assert body(gateway.port) == "old"
    names.service("_http._tcp.app.test", (0, 1, new.port, "one.test"), ttl=1)
    until(lambda: body(gateway.port) == "new")
    assert [body(gateway.port) for _ in range(5)] == ["new"] * 5


def test_host_of_a_service_is_its_domain_when_the_client_sent_none(start_gateway, names, node_http):
    names.service("_http._tcp.app.test", (0, 1, node_http.port, "one.test"))
    names.host("one.test", "127.0.0.1")
    gateway = start_gateway(asking(names, "srv+http://_http._tcp.app.test"))
    with Connection(gateway.port) as connection:
        connection.send(b"GET /echo HTTP/1.0\r\n\r\n")
        response = connection.read_response()
    assert ["host", "app.test"] in [[name.lower(), value] for name, value in response.json()["headers"]]


def test_service_over_tls_is_verified_by_its_domain(start_gateway, names, endpoint, authority):
    import ssl
    leaf = authority.issue("service", ["app.test"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.as_config()["certificate"], leaf.as_config()["key"])
    server = endpoint(says(b"secured"), tls=context)
    names.host("one.test", "127.0.0.1")
    for service in ("_http._tcp.app.test", "_http._tcp.other.test"):
        names.service(service, (0, 1, server.port, "one.test"))
    config = asking(names, "srv+https://_http._tcp.app.test", upstream_options={"ca": authority.path})
    assert body(start_gateway(config).port) == "secured"
    config = asking(names, "srv+https://_http._tcp.other.test", upstream_options={"ca": authority.path, "retries": 0})
    assert body(start_gateway(config).port) == "upstream_tls_failed"


def test_unknown_service_is_named(start_gateway, names):
    names.service("_gone._tcp.app.test", (0, 0, 80, ""))  # RFC 2782: the root says that it is not there
    for service, why in (("_http._tcp.app.test", "there is no such name"), ("_gone._tcp.app.test", "of no service")):
        gateway = start_gateway(asking(names, f"srv+http://{service}", upstream_options={"retries": 0}))
        response = fetch(gateway.port, target="/x")
        assert (response.status, response.json()["error"]) == (502, "upstream_unresolved")
        detail = gateway.exchange(response)["detail"]
        assert f"the service {service} could not be resolved" in detail and why in detail


def test_reload_asks_other_servers(start_gateway, names, servers):
    server, _ = servers("127.0.0.2", "127.0.0.3")
    names.host("app.test", "127.0.0.2")
    gateway = start_gateway(asking(names, f"http://app.test:{server.port}"))
    assert body(gateway.port) == "127.0.0.2"
    with NameServer() as others:
        others.host("app.test", "127.0.0.3")
        gateway.reload(asking(others, f"http://app.test:{server.port}"))
        until(lambda: body(gateway.port) == "127.0.0.3")
        assert others.asked("app.test", A) >= 1
