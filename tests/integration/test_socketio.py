"""A real Socket.IO 4 server and client with the gateway between them."""

import json

import pytest

import backends
from configs import plain_listener, simple, tls_listener
from raw import fetch


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_socketio, site):
    return start_shared_gateway(simple(node_socketio, route={"match": {"path": "/socket.io/"}, "origins": "app"},
                                       origins={"app": {"allow": ["https://app.example.test"], "credentials": True}},
                                       listeners=[plain_listener(), tls_listener(site)]))


def run(url, **options):
    return backends.run_node("socketio_client.mjs", url, json.dumps(options))


def assert_events_were_exchanged(result):
    assert result["text"] == "héllo wörld" and result["object"] == {"nested": {"list": [1, 2, 3], "none": None}}
    assert result["binary"] is True and result["large"] == 500_000
    assert result["room"] == "job:507f1f77bcf86cd799439011" and len(result["events"]) == 1


def test_client_begins_by_polling_upgrades_and_exchanges_events(gateway, authority):
    result = run(f"https://127.0.0.1:{gateway.tls_port}", ca=authority.path)
    assert result["transports"] == ["polling", "websocket"] and result["server"]["transport"] == "websocket"
    assert_events_were_exchanged(result)


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["websocket", "polling"]])
def test_client_uses_the_transport_it_chooses(gateway, transports):
    result = run(f"http://127.0.0.1:{gateway.port}", transports=transports, expectUpgrade=False)
    assert result["transports"] == transports[:1]
    assert_events_were_exchanged(result)


def test_handshake_query_arrives_unchanged(gateway):
    result = run(f"http://127.0.0.1:{gateway.port}", query={"jobId": "507f1f77bcf86cd799439011", "odd": "a b/é&="})
    assert result["server"]["query"]["jobId"] == "507f1f77bcf86cd799439011"
    assert result["server"]["query"]["odd"] == "a b/é&="


def test_namespace_refuses_in_its_own_words(gateway):
    assert run(f"http://127.0.0.1:{gateway.port}", namespace="/guarded")["connectError"] == \
        "Authentication token required in auth field"
    assert_events_were_exchanged(run(f"http://127.0.0.1:{gateway.port}", namespace="/guarded", token="let me in"))


def test_listed_origin_may_poll_and_another_may_not(gateway):
    target = "/socket.io/?EIO=4&transport=polling"
    response = fetch(gateway.port, target=target, headers={"Origin": "https://app.example.test"})
    assert response.status == 200 and response.body.startswith(b'0{"sid"')
    assert response.header("access-control-allow-origin") == "https://app.example.test"
    refused = fetch(gateway.port, target=target, headers={"Origin": "https://evil.example"})
    assert (refused.status, refused.json()["error"]) == (403, "origin_refused")
    assert refused.header("access-control-allow-origin") is None


def test_wrong_path_is_refused_at_once_and_by_name(gateway):
    result = run(f"http://127.0.0.1:{gateway.port}", path="/elsewhere/", transports=["polling"], timeout=5000)
    assert result["connectError"] == "xhr poll error" and result["status"] == 404
    assert json.loads(result["body"])["error"] == "no_route"


def test_refused_client_of_a_page_hears_so_at_once(start_gateway):
    """A socket that opens only to be closed would leave it waiting for Engine.IO's handshake until its time is up."""
    gateway = start_gateway(simple("http://127.0.0.1:1"))
    result = backends.run_node("socketio_client.mjs", f"http://127.0.0.1:{gateway.port}", json.dumps(
        {"transports": ["websocket"], "headers": {"Origin": "https://app.example.test"}}))
    assert result["connectError"] == "websocket error" and "502" in result["description"]
