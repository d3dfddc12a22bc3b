"""The libraries that open WebSockets in pages, as npm has them: what they make of being let in, and of each refusal."""

import pytest

import backends
import tokens
from configs import plain_listener, upstream
from websocket_client import WebSocket

SECRET = "a secret of the tests, long enough for HS256"


@pytest.fixture(scope="module")
def server():
    with backends.node("socket_servers.mjs") as running:
        yield running


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, server):
    def route(name, **more):
        return {"name": name, "match": {"path": f"/{name}"}, "upstream": "app", "rewrite": {"strip_prefix": f"/{name}"}, **more}

    return start_shared_gateway({
        "listeners": [plain_listener()],
        "jwt": {"session": {"secret": SECRET, "algorithms": ["HS256"], "from": [{"query": "token"}],
                            "required_claims": {"room": "lobby"}}},
        "rate_limits": {"few": {"rate": "1/h"}},
        "upstreams": {"app": upstream(server), "gone": upstream("http://127.0.0.1:1")},
        "routes": [route("open"), route("token", jwt="session"), route("gone", upstream="gone"), route("few", rate_limit="few"),
                   route("full", websocket={"refuse": "close", "sockets": {"total": 1}})]})


def run(gateway, library, target, *arguments):
    scheme = "http" if library == "signalr" else "ws"
    return backends.run_node("socket_libraries.mjs", library, f"{scheme}://127.0.0.1:{gateway.port}{target}", *arguments)


def token(room):
    return tokens.token("HS256", SECRET.encode(), tokens.claims(room=room))


def test_libraries_are_let_in(gateway):
    assert run(gateway, "signalr", "/open/hub") == {
        "echo": "hello", "transport": "WebSocketTransport", "attempts": 1, "opened": 1, "closes": []}
    assert run(gateway, "phoenix", f"/token/socket?token={token('lobby')}")["echo"] == {"text": "hello"}
    assert run(gateway, "graphql", "/open/graphql")["counts"] == [1, 2, 3]


@pytest.mark.parametrize("target", ["/full/hub", "/open/refused/404/hub"])
def test_signalr_falls_back_where_its_socket_is_refused(gateway, target):
    with WebSocket(gateway.port, "/full/socket"):  # the only one that the route may have
        result = run(gateway, "signalr", target)
    assert (result["echo"], result["transport"], result["opened"]) == ("hello", "LongPollingTransport", 0)


@pytest.mark.parametrize("target", ["/token/socket", "/few/refused/403/socket", "/gone/socket", "/open/refused/503/socket"])
def test_phoenix_pauses_longer_each_time_whatever_the_refusal(gateway, server, target):
    direct = backends.run_node("socket_libraries.mjs", "phoenix", f"ws://127.0.0.1:{server.port}/refused/403/socket", 1500)
    result = run(gateway, "phoenix", target, 1500)
    assert result["opened"] == direct["opened"] == 0
    both = min(len(result["pauses"]), len(direct["pauses"]))
    assert result["pauses"][:both] == direct["pauses"][:both] and both >= 3
    assert result["attempts"] <= direct["attempts"] + 1


def test_graphql_takes_a_refused_token_for_final_and_comes_back_from_the_rest(gateway):
    refused = run(gateway, "graphql", "/token/graphql")
    assert (refused["failed"], refused["attempts"]) == (4401, 1)
    denied = run(gateway, "graphql", f"/token/graphql?token={token('cellar')}")  # 4403 is not final to it
    assert (denied["failed"], denied["attempts"]) == (4403, 3)
    for target in ("/few/graphql", "/few/graphql", "/gone/graphql"):
        result = run(gateway, "graphql", target)
        assert result.get("counts") == [1, 2, 3] or (result["opened"], result["attempts"]) == (0, 3)
    assert (result["opened"], result["attempts"]) == (0, 3)
