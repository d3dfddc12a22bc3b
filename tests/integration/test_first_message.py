"""The token of a WebSocket in its first message: the real clients of GraphQL and of STOMP, let in and refused."""

import json

import pytest

import backends
import tokens
from configs import plain_listener, tls_listener, upstream
from log_file import read_log
from raw import fetch
from websocket_client import WebSocket

SECRET = "a secret of the tests, long enough for HS256"


@pytest.fixture(scope="module")
def server():
    with backends.node("first_message_servers.mjs") as running:
        yield running


def configuration(server, site, **more):
    def provider(source):
        return {"secret": SECRET, "algorithms": ["HS256"], "from": ["header", source]}

    def route(name, path, jwt, **other):
        return {"name": name, "match": {"path": f"/{name}"}, "upstream": "app", "rewrite": {"strip_prefix": f"/{name}"}, "jwt": jwt, **other}

    return {
        "listeners": [plain_listener(), tls_listener(site)],
        "jwt": {"graphql": provider({"message": "graphql"}), "stomp": provider({"message": "stomp"}),
                "soon": provider({"message": "graphql", "wait": "200ms"})},
        "upstreams": {"app": upstream(server)},
        "routes": [route("open", "graphql", "graphql"), route("stomp", "stomp", "stomp"), route("soon", "graphql", "soon"),
                   route("moved", "graphql", {"use": "graphql", "forward_as": {"header": "Authorization"}}, forward_claims={"sub": "X-User"}),
                   route("bare", "stomp", {"use": "stomp", "forward_as": "strip"})],
        **more}


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, server, site):
    return start_shared_gateway(configuration(server, site, log={"level": "debug"}))


def token(**changes):
    return tokens.token("HS256", SECRET.encode(), tokens.claims(**changes))


def run(gateway, library, path, bearer):
    return backends.run_node("first_message_client.mjs", library, f"ws://127.0.0.1:{gateway.port}{path}", bearer)


def seen(server):
    return json.loads(fetch(int(server.port)).body)


def assert_unlogged(gateway, bearer):
    assert not [line for line in gateway.raw_lines + gateway.errors if bearer in line or bearer.split(".")[2] in line]


def test_clients_with_a_good_token_get_their_data(gateway, server):
    good = token()
    assert run(gateway, "graphql", "/open/graphql", good) == {"counts": [1, 2, 3], "attempts": 1, "closes": []}
    assert json.loads(seen(server)[-1]["first"])["payload"] == {"Authorization": f"Bearer {good}"}
    assert run(gateway, "stomp", "/stomp/stomp", good)["body"] == "hello"
    assert f"Authorization:Bearer {good}\n" in seen(server)[-1]["first"]
    assert_unlogged(gateway, good)


def test_moved_token_is_no_longer_in_the_message(gateway, server):
    good = token()
    assert run(gateway, "graphql", "/moved/graphql", good)["counts"] == [1, 2, 3]
    connection = seen(server)[-1]
    assert json.loads(connection["first"])["payload"] == {"Authorization": ""}
    assert (connection["headers"]["authorization"], connection["headers"]["x-user"]) == (f"Bearer {good}", "alice")
    assert run(gateway, "stomp", "/bare/stomp", good)["body"] == "hello"
    connection = seen(server)[-1]
    assert "Authorization" not in connection["first"] and "authorization" not in connection["headers"]
    assert_unlogged(gateway, good)


@pytest.mark.parametrize("changes", [{"exp": 1}, {"sub": "mallory"}], ids=["expired", "forged"])
def test_clients_with_a_bad_token_are_told_so_and_no_endpoint_hears_of_them(gateway, server, changes):
    bad = token(**changes)
    if "sub" in changes:
        bad = bad[:-8] + "AAAAAAAA"
    before = len(seen(server))
    refused = run(gateway, "graphql", "/open/graphql", bad)
    assert (refused["failed"], refused["attempts"]) == (4401, 1)
    refused = run(gateway, "stomp", "/stomp/stomp", bad)
    assert (refused["error"], refused["closes"]) == ("token_expired" if "exp" in changes else "token_signature", [4401])
    assert len(seen(server)) == before
    assert_unlogged(gateway, bad)


def test_client_over_tls_and_one_that_says_nothing(gateway, server, trust):
    before = len(seen(server))
    offer = {"Sec-WebSocket-Protocol": "graphql-transport-ws"}
    with WebSocket(gateway.tls_port, "/open/graphql", offer, tls=trust) as socket:
        assert socket.protocol == "graphql-transport-ws" and len(seen(server)) == before
        socket.send(json.dumps({"type": "connection_init", "payload": {"authToken": token()}}))
        assert json.loads(socket.receive()) == {"type": "connection_ack"}
    with WebSocket(gateway.tls_port, "/soon/graphql", offer, tls=trust) as socket:
        assert socket.receive().close_code == 4408
    assert len(seen(server)) == before + 1


def test_text_form_of_the_log_has_no_token_either(start_logging_to, server, site, tmp_path):
    path = tmp_path / "text.log"
    config = configuration(server, site, log={"output": str(path), "format": "text", "level": "debug"})
    _, port = start_logging_to(path, {**config, "listeners": [plain_listener()]})
    for bearer in (token(), token(exp=1)):
        backends.run_node("first_message_client.mjs", "graphql", f"ws://127.0.0.1:{port}/open/graphql", bearer)
    lines = read_log(path, "token_expired")
    assert any("tunnel_open" in line for line in lines) and not [line for line in lines if "eyJ" in line]
