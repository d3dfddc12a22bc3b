"""Tokens: every algorithm, every place, every way to be wrong, and what the endpoint and the log may see of them."""

import base64
import json
import time

import pytest

import backends
import tokens
from configs import upstream
from raw import fetch
from tokens import claims, token
from websocket_client import WebSocket, refused

SECRET = "integration-secret-of-more-than-sixty-four-bytes-so-that-hs512-is-content-too"


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, node_ws, keys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    (folder / "jwks.json").write_text(json.dumps(keys.key_set()))
    (folder / "rsa.pem").write_bytes(tokens.public_pem(keys.keys["RS256"]))
    common = {"issuer": "https://issuer.test", "audience": "app", "leeway": "5s"}
    places = ["header", {"cookie": "__session"}, {"query": "token"}, "subprotocol"]
    return start_shared_gateway({
        "jwt": {
            "set": {**common, "keys": str(folder / "jwks.json"), "algorithms": tokens.ASYMMETRIC, "from": places},
            "pem": {**common, "keys": str(folder / "rsa.pem"), "algorithms": ["RS256"]},
            "secret": {**common, "secret": "${INTEGRATION_SECRET}", "algorithms": tokens.SYMMETRIC},
            "roles": {**common, "keys": str(folder / "jwks.json"), "algorithms": ["RS256"],
                      "required_claims": {"role": ["admin", "editor"]}},
        },
        "upstreams": {"http": upstream(node_http), "ws": upstream(node_ws)},
        "routes": [
            {"name": "set", "match": {"path": "/set"}, "upstream": "http", "jwt": "set",
             "forward_claims": {"sub": "X-User-Id", "email": "X-User-Email"}},
            {"name": "pem", "match": {"path": "/pem"}, "upstream": "http", "jwt": "pem"},
            {"name": "secret", "match": {"path": "/secret"}, "upstream": "http", "jwt": "secret"},
            {"name": "roles", "match": {"path": "/roles"}, "upstream": "http", "jwt": "roles"},
            {"name": "optional", "match": {"path": "/optional"}, "upstream": "http", "jwt": {"use": "set", "required": False},
             "forward_claims": {"sub": "X-User-Id"}},
            {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws", "jwt": "set", "forward_claims": {"sub": "X-User-Id"}},
        ]}, environment={"INTEGRATION_SECRET": SECRET})


def ask(gateway, target, bearer=None, headers=()):
    fields = list(headers.items()) if isinstance(headers, dict) else list(headers)
    if bearer is not None:
        fields.append(("Authorization", f"Bearer {bearer}"))
    return fetch(gateway.port, target=target, headers=fields)


def assert_refused(gateway, response, status, *errors):
    body = response.json()
    assert response.status == status and body["error"] in errors, body
    assert body["message"] and body["remedy"] and body["request_id"] == response.header("x-request-id")
    if status == 401:
        challenge = response.header("www-authenticate")
        assert challenge.startswith("Bearer")
        if body["error"] != "token_missing":
            assert 'error="invalid_token"' in challenge
    line = gateway.exchange(response)
    assert line["cause"] == body["error"] and line["fault"] == "client"


def sent_headers(response):
    gathered = {}
    for name, value in response.json()["headers"]:
        gathered.setdefault(name.lower(), []).append(value)
    return gathered


# Right ones

@pytest.mark.parametrize("algorithm", tokens.ASYMMETRIC)
def test_token_of_each_key_passes(gateway, keys, algorithm):
    response = ask(gateway, "/set/x", keys.token(algorithm))
    assert response.status == 200 and sent_headers(response)["x-user-id"] == ["alice"]


@pytest.mark.parametrize("algorithm", tokens.SYMMETRIC)
def test_token_of_the_secret_passes(gateway, algorithm):
    assert ask(gateway, "/secret/x", token(algorithm, SECRET.encode())).status == 200


def test_token_passes_a_pem_key_with_or_without_a_kid(gateway, keys):
    assert ask(gateway, "/pem/x", token("RS256", keys.keys["RS256"])).status == 200
    assert ask(gateway, "/pem/x", token("RS256", keys.keys["RS256"], kid="whatever")).status == 200


def test_token_is_verified_again_and_again(gateway, keys):
    again = keys.token("ES256")
    assert {ask(gateway, "/set/x", again).status for _ in range(50)} == {200}


def test_audience_may_be_one_of_many(gateway, keys):
    assert ask(gateway, "/set/x", keys.token("RS256", claims(aud=["other", "app"]))).status == 200


def test_clocks_may_differ_by_the_leeway(gateway, keys):
    now = int(time.time())
    assert ask(gateway, "/set/x", keys.token("RS256", claims(exp=now - 1))).status == 200
    assert ask(gateway, "/set/x", keys.token("RS256", claims(nbf=now + 3))).status == 200


# Wrong ones

def test_no_token_is_401(gateway):
    assert_refused(gateway, ask(gateway, "/set/x"), 401, "token_missing")


@pytest.mark.parametrize("algorithm", tokens.ASYMMETRIC)
def test_expired_token_is_401(gateway, keys, algorithm):
    expired = keys.token(algorithm, claims(exp=int(time.time()) - 60))
    assert_refused(gateway, ask(gateway, "/set/x", expired), 401, "token_expired")


def test_token_that_expires_is_not_remembered_longer(gateway, keys):
    """A verified token is cached; the cache must not outlive the token."""
    short = keys.token("RS256", claims(exp=int(time.time()) - 3))  # two seconds of leeway are left
    assert ask(gateway, "/set/x", short).status == 200
    deadline = time.monotonic() + 20
    while (response := ask(gateway, "/set/x", short)).status == 200:
        assert time.monotonic() < deadline, "still accepted long after its end"
    assert_refused(gateway, response, 401, "token_expired")


def test_token_of_the_future_is_401(gateway, keys):
    later = int(time.time()) + 600
    assert_refused(gateway, ask(gateway, "/set/x", keys.token("RS256", claims(nbf=later))), 401, "token_not_yet_valid")
    assert_refused(gateway, ask(gateway, "/set/x", keys.token("RS256", claims(iat=later))), 401, "token_not_yet_valid")


@pytest.mark.parametrize("algorithm", tokens.ASYMMETRIC)
def test_token_of_another_key_is_401(gateway, algorithm):
    stranger = tokens.new_key(algorithm)
    assert_refused(gateway, ask(gateway, "/set/x", token(algorithm, stranger, kid=algorithm)), 401, "token_signature")


@pytest.mark.parametrize("algorithm", tokens.SYMMETRIC)
def test_token_of_another_secret_is_401(gateway, algorithm):
    assert_refused(gateway, ask(gateway, "/secret/x", token(algorithm, b"x" * 80)), 401, "token_signature")


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("route", ["/set", "/pem", "/secret"])
def test_unsigned_token_is_401(gateway, name, route):
    unsigned = token("none", None, header_algorithm=name, kid="RS256")
    assert_refused(gateway, ask(gateway, route + "/x", unsigned), 401, "token_algorithm", "token_malformed", "token_signature")


@pytest.mark.parametrize("route", ["/set", "/pem"])
@pytest.mark.parametrize("algorithm", tokens.SYMMETRIC)
def test_public_key_is_no_secret(gateway, keys, route, algorithm):
    pem = tokens.public_pem(keys.keys["RS256"])
    der = base64.b64decode(b"".join(pem.split(b"\n")[1:-2]))
    for secret in (pem, pem.strip(), der):
        forged = token(algorithm, secret, claims(sub="admin"), kid="RS256")
        assert_refused(gateway, ask(gateway, route + "/x", forged), 401, "token_algorithm", "token_signature")


def test_key_decides_the_algorithm(gateway, keys):
    rsa = keys.keys["RS256"]
    for algorithm, kid in (("PS256", "RS256"), ("RS512", "RS256"), ("RS256", "PS256"), ("ES256", "ES384")):
        signed = token(algorithm, keys.keys[algorithm] if algorithm == "ES256" else rsa, kid=kid)
        assert_refused(gateway, ask(gateway, "/set/x", signed), 401, "token_algorithm", "token_signature")


def test_secret_route_takes_no_other_algorithm(gateway, keys):
    response = ask(gateway, "/secret/x", keys.token("RS256"))
    assert_refused(gateway, response, 401, "token_algorithm", "token_key_unknown", "token_signature")


def test_unknown_key_id_is_401(gateway, keys):
    for kid in ("nobody", "../../../etc/passwd", "RS256' OR '1'='1", "", "x" * 3000):
        signed = token("RS256", keys.keys["RS256"], kid=kid)
        response = ask(gateway, "/set/x", signed)
        assert_refused(gateway, response, 401, "token_key_unknown", "token_malformed", "token_signature")


def test_embedded_key_is_not_asked(gateway):
    stranger = tokens.new_key("RS256")
    forged = token("RS256", stranger, kid="RS256", jwk=tokens.jwk(stranger, "RS256", "RS256"), jku="http://127.0.0.1:1/keys")
    assert_refused(gateway, ask(gateway, "/set/x", forged), 401, "token_signature")


def test_critical_extension_is_refused(gateway, keys):
    signed = token("RS256", keys.keys["RS256"], kid="RS256", crit=["b64"], b64=False)
    assert_refused(gateway, ask(gateway, "/set/x", signed), 401, "token_malformed", "token_algorithm")


def test_damaged_tokens_are_401(gateway, keys):
    good = keys.token("RS256")
    head, payload, signature = good.split(".")
    other = tokens.base64url(json.dumps(claims(sub="admin")).encode())
    for damaged, errors in [
            (f"{head}.{other}.{signature}", ("token_signature",)),
            (f"{head}.{payload}.{signature[:-4]}", ("token_signature", "token_malformed")),
            (f"{head}.{payload}.", ("token_signature", "token_malformed")),
            (f"{head}.{payload}", ("token_malformed",)),
            (f"{good}.x", ("token_malformed",)),
            (f"{head}.{payload}.{signature}=", ("token_malformed",)),
            (f"{head}.{payload}.{signature[:20]}-{signature[20:]}", ("token_malformed", "token_signature")),
            (f"{head}=.{payload}.{signature}", ("token_malformed",)),
            ("not-a-token", ("token_malformed",)),
            ("a.b.c", ("token_malformed",)),
            ("..", ("token_malformed",))]:
        assert_refused(gateway, ask(gateway, "/set/x", damaged), 401, *errors)


@pytest.mark.parametrize("change", [{"iss": "https://other.test"}, {"iss": None}, {"aud": "other"}, {"aud": None},
                                    {"aud": ["a", "b"]}, {"exp": None}, {"exp": "tomorrow"}], ids=str)
def test_wrong_claims_are_refused(gateway, keys, change):
    response = ask(gateway, "/set/x", keys.token("RS256", claims(**change)))
    assert response.status in (401, 403)
    assert_refused(gateway, response, response.status, "token_claims", "token_malformed")


def test_required_claim_decides(gateway, keys):
    assert ask(gateway, "/roles/x", keys.token("RS256", claims(role="editor"))).status == 200
    for role in ("viewer", None, "admin "):
        response = ask(gateway, "/roles/x", keys.token("RS256", claims(role=role)))
        assert_refused(gateway, response, 403, "token_claims")
        assert "role" in response.json()["detail"]


def test_bad_token_is_refused_even_where_none_is_needed(gateway, keys):
    assert ask(gateway, "/optional/x").status == 200
    assert ask(gateway, "/optional/x", keys.token("RS256")).status == 200
    forged = token("RS256", tokens.new_key("RS256"), kid="RS256")
    assert_refused(gateway, ask(gateway, "/optional/x", forged), 401, "token_signature")


# Places

def test_token_is_found_in_a_cookie(gateway, keys):
    response = ask(gateway, "/set/x", headers={"Cookie": f"a=1; __session={keys.token('ES256')}; b=2"})
    assert response.status == 200 and sent_headers(response)["x-user-id"] == ["alice"]


def test_token_is_found_in_the_query_and_never_logged(gateway, keys):
    secret = keys.token("RS256")
    response = ask(gateway, f"/set/x?threadId=7&token={secret}&z=1")
    assert response.status == 200
    target = gateway.exchange(response)["target"]
    assert "threadId=7" in target and "z=1" in target and "token=" in target
    assert_never_logged(gateway, secret)


def test_refused_token_is_never_logged(gateway):
    secret = token("RS256", tokens.new_key("RS256"), kid="RS256")
    response = ask(gateway, f"/set/x?token={secret}")
    assert_refused(gateway, response, 401, "token_signature")
    assert secret.encode() not in response.body
    assert_never_logged(gateway, secret)


def assert_never_logged(gateway, secret):
    log = "\n".join(gateway.raw_lines + gateway.errors)
    assert not any(part in log for part in [secret, *secret.split(".")[1:]]), "a part of the token stands in the log"
    assert SECRET not in log


def test_websocket_takes_its_token_from_header_cookie_or_query(gateway, keys):
    secret = keys.token("EdDSA")
    for target, headers in (("/ws/headers", {"Authorization": f"Bearer {secret}"}),
                            ("/ws/headers", {"Cookie": f"__session={secret}"}),
                            (f"/ws/headers?token={secret}&threadId=1", {})):
        with WebSocket(gateway.port, target, headers) as socket:
            seen = json.loads(socket.receive())["headers"]
            fields = dict(zip((name.lower() for name in seen[::2]), seen[1::2]))
            assert fields["x-user-id"] == "alice"
    assert_never_logged(gateway, secret)


def test_websocket_takes_its_token_from_the_subprotocols(gateway, keys):
    secret = keys.token("RS256")
    with WebSocket(gateway.port, "/ws/echo", {"Sec-WebSocket-Protocol": f"chat, bearer, {secret}"}) as socket:
        assert socket.protocol == "chat"
        socket.send("hello")
        assert socket.receive() == "hello"
    # A browser insists on one of its offers, so with nothing else offered the answer is the scheme's own name.
    with WebSocket(gateway.port, "/ws/echo", {"Sec-WebSocket-Protocol": f"bearer, {secret}"}) as socket:
        assert socket.protocol == "bearer"
    assert_never_logged(gateway, secret)


def test_websocket_without_a_good_token_is_401_at_once(gateway, keys):
    for headers, error in (({}, "token_missing"),
                           ({"Authorization": f"Bearer {keys.token('RS256', claims(exp=1))}"}, "token_expired")):
        response = refused(gateway.port, "/ws/echo", headers, timeout=5)
        assert_refused(gateway, response, 401, error)


KUBERNETES = "base64url.bearer.authorization.k8s.io."


def open_with_node(gateway, target, *offered, headers=None):
    """What the npm client "ws" gets: the selected subprotocol, and the fields that the endpoint saw."""
    result = backends.run_node("subprotocol_client.mjs", f"ws://127.0.0.1:{gateway.port}{target}",
                               json.dumps(headers or {}), *offered)
    assert "message" in result, result
    seen = json.loads(result["message"])
    fields = {name.lower(): value for name, value in zip(seen["headers"][::2], seen["headers"][1::2])}
    return result["protocol"], seen["target"], fields


def test_kubernetes_subprotocol_is_read_taken_out_and_answered(gateway, keys):
    secret = keys.token("RS256")
    element = KUBERNETES + tokens.base64url(secret.encode())
    protocol, _, fields = open_with_node(gateway, "/ws/headers", element, "chat")
    assert protocol == "chat" and fields["sec-websocket-protocol"] == "chat" and fields["x-user-id"] == "alice"
    # With nothing else offered the client insists on its own element.
    protocol, _, fields = open_with_node(gateway, "/ws/headers", element)
    assert protocol == element and "sec-websocket-protocol" not in fields
    assert_never_logged(gateway, secret)
    assert_never_logged(gateway, element.removeprefix(KUBERNETES))
    raw = backends.run_node("subprotocol_client.mjs", f"ws://127.0.0.1:{gateway.port}/ws/headers", "{}", KUBERNETES + secret)
    assert raw == {"refused": 401}


@pytest.fixture(scope="module")
def forwarding(start_shared_gateway, node_http, node_ws, keys, tmp_path_factory):
    """One route for each place to which a token may go; its name is the path."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    jwks.write_text(json.dumps(keys.key_set()))
    places = ["header", {"header": "Authorization", "scheme": "Token"}, {"cookie": "session"}, {"query": "token"}, "subprotocol"]
    become = {"keep": "keep", "strip": "strip", "header": "header", "field": {"header": "X-Token"},
              "scheme": {"header": "Authorization", "scheme": "JWT"}, "cookie": {"cookie": "auth"},
              "query": {"query": "access"}, "subprotocol": "subprotocol"}
    routes = [{"name": f"{kind}-{name}", "match": {"path": f"/{kind}/{name}"}, "upstream": kind,
               "rewrite": {"strip_prefix": f"/{kind}/{name}"}, "jwt": {"use": "set", "required": False, "forward_as": what}}
              for name, what in become.items() for kind in ("http", "ws")]
    return start_shared_gateway({
        "jwt": {"set": {"issuer": "https://issuer.test", "audience": "app", "keys": str(jwks), "algorithms": tokens.ASYMMETRIC,
                        "from": places}},
        "upstreams": {"http": upstream(node_http), "ws": upstream(node_ws)}, "routes": routes})


def test_scheme_of_its_own_holds_the_token(forwarding, keys):
    response = fetch(forwarding.port, target="/http/strip/x", headers=[("Authorization", f"Token {keys.token('RS256')}")])
    assert response.status == 200 and "authorization" not in sent_headers(response)


def test_token_goes_where_the_route_says(forwarding, keys):
    secret = keys.token("RS256")

    def sent(route, headers=(), query="?a=1"):
        response = fetch(forwarding.port, target=f"/http/{route}/x{query}",
                         headers=[("Cookie", f"b=2; session={secret}"), *headers])
        assert response.status == 200, response.body
        return response.json()["target"], sent_headers(response)

    assert sent("keep")[1]["cookie"] == [f"b=2; session={secret}"]
    target, fields = sent("strip", [("Authorization", f"Bearer {secret}")], f"?a=1&token={secret}")
    assert target == "/x?a=1" and fields["cookie"] == ["b=2"] and "authorization" not in fields
    target, fields = sent("header", [("Authorization", "Basic eDp5")])
    assert fields["authorization"] == [f"Bearer {secret}"] and fields["cookie"] == ["b=2"]
    target, fields = sent("field", [("X-Token", "forged"), ("X_Token", "forged")])
    assert fields["x-token"] == [secret] and "x_token" not in fields
    assert sent("scheme")[1]["authorization"] == [f"JWT {secret}"]
    target, fields = sent("cookie", [("Cookie", "auth=forged")])
    assert fields["cookie"] == [f"auth={secret}; b=2"]
    target, fields = sent("query", query="?a=1&access=forged")
    assert target == f"/x?a=1&access={secret}" and fields["cookie"] == ["b=2"]
    assert sent("subprotocol")[1]["cookie"] == [f"b=2; session={secret}"]  # it opens no WebSocket
    # Without a token that place is empty, whatever the client sent there.
    for route, field in (("field", "x-token"), ("cookie", "cookie")):
        response = fetch(forwarding.port, target=f"/http/{route}/x", headers=[("X-Token", "forged"), ("Cookie", "auth=forged")])
        assert response.status == 200 and field not in sent_headers(response)
    assert fetch(forwarding.port, target="/http/query/x?access=forged&a=1").json()["target"] == "/x?a=1"
    assert_never_logged(forwarding, secret)


def test_websocket_client_accepts_the_answer_wherever_its_token_goes(forwarding, keys):
    secret = keys.token("ES256")
    cookie = {"Cookie": f"session={secret}"}
    # The endpoint is offered the marker and selects it; this client has offered nothing, and must see none.
    protocol, _, fields = open_with_node(forwarding, "/ws/subprotocol/headers", headers=cookie)
    assert protocol == "" and fields["sec-websocket-protocol"] == f"bearer, {secret}" and "cookie" not in fields
    protocol, _, fields = open_with_node(forwarding, "/ws/subprotocol/headers", "chat", headers=cookie)
    assert protocol == "chat" and fields["sec-websocket-protocol"] == f"bearer, {secret}, chat"
    element = KUBERNETES + tokens.base64url(secret.encode())
    protocol, _, fields = open_with_node(forwarding, "/ws/subprotocol/headers", element)
    assert protocol == element and fields["sec-websocket-protocol"] == f"bearer, {secret}"
    protocol, target, fields = open_with_node(forwarding, "/ws/query/headers", "bearer", secret)
    assert protocol == "bearer" and target == f"/headers?access={secret}" and "sec-websocket-protocol" not in fields
    protocol, _, fields = open_with_node(forwarding, "/ws/header/headers", f"bearer.{secret}", "chat")
    assert protocol == "chat" and fields["authorization"] == f"Bearer {secret}"
    assert_never_logged(forwarding, secret)


# Claims as request fields

def test_client_cannot_set_the_fields_of_claims(gateway, keys):
    spoof = [("X-User-Id", "admin"), ("x-user-id", "root"), ("X-USER-EMAIL", "admin@example.test")]
    sent = sent_headers(ask(gateway, "/set/x", keys.token("RS256"), spoof))
    assert sent["x-user-id"] == ["alice"] and "x-user-email" not in sent
    sent = sent_headers(ask(gateway, "/optional/x", headers=spoof))
    assert "x-user-id" not in sent
    with WebSocket(gateway.port, "/ws/headers", [("Authorization", f"Bearer {keys.token('RS256')}"), *spoof]) as socket:
        seen = json.loads(socket.receive())["headers"]
        assert [value for name, value in zip(seen[::2], seen[1::2]) if name.lower() == "x-user-id"] == ["alice"]


def test_claim_cannot_break_out_of_its_field(gateway, keys):
    response = ask(gateway, "/set/x", keys.token("RS256", claims(sub="alice\r\nX-Admin: yes", email="a@b\0c")))
    if response.status == 200:
        sent = sent_headers(response)
        assert "x-admin" not in sent and not any("\r" in value or "\n" in value for values in sent.values() for value in values)
    else:
        assert response.status in (401, 403)


def test_two_tokens_in_one_place_are_none(gateway, keys):
    good = keys.token("RS256")
    response = ask(gateway, "/set/x", headers=[("Authorization", f"Bearer {good}"), ("Authorization", "Bearer other")])
    assert response.status in (400, 401)


def test_token_that_was_known_is_refused_once_it_has_expired(start_gateway, node_http):
    """A cached result is not used after its time, and what comes in its place is a refusal."""
    gateway = start_gateway({
        "jwt": {"short": {"secret": SECRET, "algorithms": ["HS256"], "leeway": "0s"}},
        "upstreams": {"http": upstream(node_http)},
        "routes": [{"name": "plain", "match": {"path": "/plain"}, "upstream": "http", "jwt": "short"},
                   {"name": "claims", "match": {"path": "/claims"}, "upstream": "http", "jwt": "short", "forward_claims": {"sub": "X-User"}}]})
    expires = int(time.time()) + 3
    short = token("HS256", SECRET.encode(), claims(exp=expires))
    for _ in range(8):  # every worker knows it
        for target in ("/plain", "/claims"):
            assert ask(gateway, target, short).status == 200
    time.sleep(max(0, expires + 0.2 - time.time()))
    for _ in range(8):
        for target in ("/plain", "/claims"):
            assert_refused(gateway, ask(gateway, target, short), 401, "token_expired")
