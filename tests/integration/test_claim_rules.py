"""Rules about claims on running routes: requests, WebSockets and event streams, the log, the metrics and a reload."""

import hashlib
import json

import backends
import metrics
import pytest
from configs import upstream
from raw import Connection, fetch
from tokens import claims, token
from websocket_client import WebSocket, refused

SECRET = "rules-of-an-integration-test-with-a-long-secret"
ROLES = "https://example.com/roles"


def bearer(**more):
    return {"Authorization": f"Bearer {token('HS256', SECRET.encode(), claims(**more))}"}


def config(node_http, node_ws, events=None, **more):
    own = {"name": "own-job", "path": "/jobs/{job_id}",
           "claims": {"any": [{"jobs": "{path.job_id}"}, {"realm_access.roles": "admin"}]}}
    routes = [
        {"name": "jobs", "match": {"path": "/jobs"}, "upstream": "http", "jwt": "login",
         "required_claims": [{"name": "read", "methods": ["GET"], "claims": {"scope": "jobs:read"}},
                             {"name": "write", "methods": "others", "claims": {"scope": "jobs:write", "email_verified": True}},
                             own],
         "forward_claims": {"sub": "X-User", "realm_access.roles": "X-Realm", ROLES: "X-Roles", "name": "X-Name",
                            "groups": "X-Groups", "address": "X-Address", "nothing": "X-Nothing"}},
        {"name": "open", "match": {"path": "/open"}, "upstream": "http", "jwt": {"use": "login", "required": False},
         "required_claims": [{"name": "write", "methods": ["POST"], "claims": {"scope": "open:write"}}]},
        {"name": "watched", "match": {"path": "/watched"}, "upstream": "http", "jwt": {"use": "login", "report_only": True},
         "required_claims": {ROLES: "staff"}, "forward_claims": {"sub": "X-User"}},
        {"name": "trial", "match": {"path": "/trial"}, "upstream": "http", "jwt": "login",
         "required_claims": [{"name": "soon", "report_only": True, "claims": {"plan": ["team", "pro"]}}]},
        {"name": "ws", "match": {"path": "/ws"}, "upstream": "ws", "jwt": "login", "required_claims": {"rooms": "{query.room}"}},
        {"name": "watched-ws", "match": {"path": "/watched-ws"}, "upstream": "ws", "jwt": {"use": "login", "report_only": True},
         "rewrite": {"strip_prefix": "/watched-ws"}},
    ]
    if events:
        routes.append({"name": "events", "match": {"path": "/events"}, "upstream": "events", "jwt": "login",
                       "required_claims": {"feed": "news"}})
    made = {"jwt": {"login": {"secret": SECRET, "algorithms": ["HS256"], "from": ["header", {"query": "token"}],
                              "issuer": "https://issuer.test"}},
            "upstreams": {"http": upstream(node_http), "ws": upstream(node_ws)}, "routes": routes,
            "admin": metrics.LOCAL_ADMIN, "log": {"token": ["provider", "sub", "sub_hash", "jti", "rule"]}, **more}
    if events:
        made["upstreams"]["events"] = upstream(events)
    return made


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, node_ws):
    return start_shared_gateway(config(node_http, node_ws))


def ask(gateway, method, target, fields=None, body=None):
    return fetch(gateway.port, method=method, target=target, headers=list((fields or {}).items()), body=body)


READER = {"scope": "jobs:read", "jobs": ["41", "42"]}
WRITER = {"scope": "jobs:read jobs:write", "email_verified": True, "jobs": ["42"]}
ADMIN = {"scope": ["jobs:read", "jobs:write"], "email_verified": True, "realm_access": {"roles": ["user", "admin"]}}


@pytest.mark.parametrize("method, target, payload, rule", [
    ("GET", "/jobs/42", READER, None),
    ("HEAD", "/jobs/42", READER, None),
    ("GET", "/jobs/43", READER, "own-job"),
    ("GET", "/jobs/42/log?x=1", READER, None),
    ("GET", "/jobs", READER, "own-job"),
    ("GET", "/jobs", ADMIN, None),
    ("GET", "/jobs/43", ADMIN, None),
    ("GET", "/jobs/42", {"jobs": ["42"]}, "read"),
    ("HEAD", "/jobs/42", {"jobs": ["42"], "scope": "jobs:write"}, "read"),
    ("POST", "/jobs/42", READER, "write"),
    ("POST", "/jobs/42", WRITER, None),
    ("PUT", "/jobs/42", WRITER, None),
    ("DELETE", "/jobs/42", {**WRITER, "email_verified": False}, "write"),
    ("DELETE", "/jobs/7", ADMIN, None),
    ("PATCH", "/jobs/41", WRITER, "own-job"),
    ("GET", "/jobs/42%2f..%2f43", READER, "own-job"),
    ("GET", "/jobs/42;x", READER, "own-job"),
])
def test_rule_decides_by_method_claims_and_path(gateway, method, target, payload, rule):
    body = b"x" if method in ("POST", "PUT", "PATCH") else None
    response = ask(gateway, method, target, bearer(**payload), body)
    line = gateway.exchange(response)
    if rule is None:
        assert response.status == 200
        assert line["token"] == {"provider": "login", "sub": "alice", "sub_hash": hash_of("alice")}
        return
    assert response.status == 403 and line["cause"] == "claims_refused"
    assert line["token"]["rule"] == rule and line["token"]["sub"] == "alice"
    assert f'rule "{rule}" of route "jobs"' in line["detail"]
    assert 'error="insufficient_scope"' in response.header("www-authenticate")
    if method != "HEAD":
        answer = response.json()
        assert answer["error"] == "claims_refused" and f'rule "{rule}"' in answer["detail"]
        assert "jobs:write" not in response.body.decode() and "42" not in answer["detail"]


def hash_of(subject):
    return hashlib.sha256(f"https://issuer.test\n{subject}".encode()).hexdigest()[:16]


def test_body_of_a_refused_request_is_read_and_the_connection_stays(gateway):
    with Connection(gateway.port) as connection:
        for _ in range(2):
            fields = list(bearer(**READER).items())
            assert connection.request("POST", "/jobs/42", fields, b"x" * 20000).status == 403


def test_rule_wants_a_token_for_its_methods_only(gateway):
    assert ask(gateway, "GET", "/open/x").status == 200
    response = ask(gateway, "POST", "/open/x", body=b"x")
    assert response.status == 401 and response.json()["error"] == "token_missing"
    assert 'rule "write" of route "open"' in response.json()["detail"]
    assert ask(gateway, "POST", "/open/x", bearer(scope="open:read"), b"x").status == 403
    assert ask(gateway, "POST", "/open/x", bearer(scope="open:write"), b"x").status == 200


def sent(response):
    gathered = {}
    for name, value in response.json()["headers"]:
        gathered.setdefault(name.lower(), []).append(value)
    return gathered


def test_claims_of_every_kind_reach_the_endpoint(gateway):
    payload = {**ADMIN, "sub": "alice", ROLES: ["staff", "ops"], "name": "Zoë\n100%", "groups": ["a,b", "c"],
               "address": {"city": "Köln"}, "nothing": None}
    forged = {"X-Realm": "root", "x_roles": "root", "X-Nothing": "root", "X-User": "root"}
    fields = sent(ask(gateway, "GET", "/jobs/1", {**bearer(**payload), **forged}))
    assert fields["x-user"] == ["alice"] and fields["x-realm"] == ["user,admin"] and fields["x-roles"] == ["staff,ops"]
    assert fields["x-name"] == ["Zo%C3%AB%0A100%25"]
    assert json.loads(fields["x-groups"][0]) == ["a,b", "c"]
    assert json.loads(fields["x-address"][0]) == {"city": "Köln"}
    assert "x-nothing" not in fields and "x_roles" not in fields


def test_route_that_only_reports_refuses_nothing(gateway):
    mark = gateway.mark()
    good = bearer(**{ROLES: ["staff"], "sub": "carol"})
    assert sent(ask(gateway, "GET", "/watched/x", good))["x-user"] == ["carol"]
    assert not gateway.find("would_refuse", since=mark)
    forged = {"X-User": "root"}
    for fields, cause, rule in [
            ({}, "token_missing", "jwt"),
            ({"Authorization": "Bearer rubbish"}, "token_malformed", "jwt"),
            (bearer(exp=1), "token_expired", "jwt"),
            (bearer(**{ROLES: ["guest"]}), "claims_refused", "required_claims")]:
        mark = gateway.mark()
        response = ask(gateway, "GET", "/watched/x", {**fields, **forged})
        assert response.status == 200
        # Of a valid token the claims come through; a forged field never does.
        assert sent(response).get("x-user") == (["alice"] if rule == "required_claims" else None)
        assert sent(response).get("authorization") == ([fields["Authorization"]] if fields else None)
        line = gateway.wait_for("would_refuse", since=mark, route="watched")
        assert (line["rule"], line["cause"]) == (rule, cause)
    metrics.wait_for_number(gateway, 3, "postern_would_refuse_total", route="watched", rule="jwt")
    metrics.wait_for_number(gateway, 1, "postern_would_refuse_total", route="watched", rule="required_claims")


def test_rule_that_only_reports_stands_beside_a_token_that_is_needed(gateway):
    assert ask(gateway, "GET", "/trial/x").status == 401
    mark = gateway.mark()
    assert ask(gateway, "GET", "/trial/x", bearer(plan="free")).status == 200
    line = gateway.wait_for("would_refuse", since=mark, route="trial")
    assert line["rule"] == "required_claims" and 'rule "soon"' in line["detail"]
    assert ask(gateway, "GET", "/trial/x", bearer(plan="pro")).status == 200
    metrics.wait_for_number(gateway, 1, "postern_would_refuse_total", route="trial", rule="required_claims")


def test_websocket_is_refused_by_a_rule_and_told(gateway):
    answer = refused(gateway.port, "/ws/echo?room=cellar", bearer(rooms=["lobby"]), timeout=5)
    assert answer.status == 403 and answer.json()["error"] == "claims_refused"
    with WebSocket(gateway.port, "/ws/echo?room=lobby", bearer(rooms=["lobby"], jti="one")) as socket:
        socket.send("hello")
        assert socket.receive() == "hello"
        opened = gateway.wait_for("tunnel_open", route="ws")
        assert opened["token"] == {"provider": "login", "sub": "alice", "sub_hash": hash_of("alice"), "jti": "one"}
    assert gateway.wait_for("tunnel_close", route="ws")["token"] == opened["token"]
    # A page, which can see no status, gets a Close frame.
    with WebSocket(gateway.port, "/ws/echo?room=cellar", {**bearer(rooms=["lobby"]), "Origin": f"http://localhost:{gateway.port}",
                                                          "Sec-Fetch-Mode": "websocket"}) as socket:
        socket.ends_with_close(4403)


def test_websocket_of_a_route_that_only_reports_outlives_its_token(gateway):
    brief = bearer(exp=claims()["iat"] - 57, rooms="lobby")  # three seconds of leeway are left
    mark = gateway.mark()
    with WebSocket(gateway.port, "/watched-ws/echo", brief) as watched, \
            WebSocket(gateway.port, "/ws/echo?room=lobby", brief) as held:
        held.ends_with_close(1012)
        watched.send("still there?")
        assert watched.receive() == "still there?"
        assert not gateway.find("tunnel_close", since=mark, route="watched-ws")


def test_tokens_are_counted_by_provider_and_outcome(start_gateway, node_http, node_ws):
    gateway = start_gateway(config(node_http, node_ws))
    name = "postern_jwt_tokens_total"
    for fields in ({}, bearer(exp=1), bearer(iss="https://other.test"), {"Authorization": "Bearer x"}):
        ask(gateway, "GET", "/jobs/42", fields)
    for payload in (READER, READER, {}):
        ask(gateway, "GET", "/jobs/42", bearer(**payload))
    ask(gateway, "GET", "/open/x")  # needs no token, and is not counted
    wanted = {"token_missing": 1, "token_expired": 1, "token_claims": 1, "token_malformed": 1, "accepted": 2, "claims_refused": 1}
    metrics.wait_for_number(gateway, 1, name, jwt="login", outcome="claims_refused")
    counted = {dict(labels)["outcome"]: number for (metric, labels), number in metrics.read(gateway).items() if metric == name}
    assert {outcome: number for outcome, number in counted.items() if number} == wanted


def test_event_stream_follows_the_rules_through_a_reload(start_gateway, start_backend, node_http, node_ws):
    backend = start_backend(backends.node, "event_source_server.mjs")
    gateway = start_gateway(config(node_http, node_ws, backend))
    answer = ask(gateway, "GET", "/events", {**bearer(feed="sport"), "Accept": "text/event-stream"})
    assert answer.status == 403 and answer.json()["error"] == "claims_refused"
    with Connection(gateway.port) as reader, \
            WebSocket(gateway.port, "/ws/echo?room=lobby", bearer(rooms="lobby")) as socket:
        fields = "".join(f"{name}: {value}\r\n" for name, value in bearer(feed="news").items())
        reader.send(f"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{fields}\r\n".encode())
        assert reader.read_head().status == 200
        gateway.wait_for("stream_open", route="events")
        # Other rules of another route end nothing.
        changed = config(node_http, node_ws, backend)
        changed["routes"][1]["required_claims"][0]["claims"] = {"scope": "other"}
        gateway.reload(changed)
        socket.send("hello")
        assert socket.receive() == "hello"
        assert not gateway.find("stream_close") and not gateway.find("tunnel_close")
        changed["routes"][4]["required_claims"] = {"rooms": "{query.room}", "not": {"banned": True}}
        changed["routes"][-1]["required_claims"] = {"feed": ["news", "sport"]}
        gateway.reload(changed)
        socket.ends_with_close(1012)
        line = gateway.wait_for("stream_close", route="events", cause="route_changed")
        assert line["token"]["sub"] == "alice"
    assert ask(gateway, "GET", "/open/x", bearer(scope="any")).status == 200


def test_log_says_nothing_of_tokens_unless_told_to(start_gateway, node_http, node_ws):
    gateway = start_gateway(config(node_http, node_ws, log={}))
    secret = bearer(**READER, sub="somebody-in-particular", jti="a-certain-token")
    response = ask(gateway, "GET", "/jobs/42", secret)
    assert response.status == 200 and "token" not in gateway.exchange(response)
    hashed = start_gateway(config(node_http, node_ws, log={"token": ["sub_hash"]}))
    target = "/jobs/42?token=" + secret["Authorization"].split()[1]
    response = ask(hashed, "GET", target)
    assert hashed.exchange(response)["token"] == {"sub_hash": hash_of("somebody-in-particular")}
    forged = {"Authorization": secret["Authorization"][:-4] + "AAAA"}
    for method, fields in (("GET", secret), ("POST", secret), ("GET", forged)):
        response = ask(hashed, method, "/jobs/42", fields)
        assert ("token" in hashed.exchange(response)) == (fields is secret)
    for log in ("\n".join(hashed.raw_lines), "\n".join(gateway.raw_lines)):
        assert "somebody-in-particular" not in log and "a-certain-token" not in log
        assert not any(part in log for part in secret["Authorization"].split()[1].split(".")[1:])


@pytest.mark.parametrize("size", [1, 500])
def test_long_lists_of_groups_are_judged(gateway, size):
    groups = [f"group-{number}" for number in range(size)] + ["41"]
    payload = {**READER, "jobs": groups}
    assert ask(gateway, "GET", "/jobs/41", bearer(**payload)).status == 200
    assert ask(gateway, "GET", "/jobs/group", bearer(**payload)).status == 403


def test_endpoint_of_strict_paths_gets_the_path_that_was_judged(start_gateway, node_http):
    """Also where the token is taken out of the query, so that the target is made anew."""
    gateway = start_gateway({
        "jwt": {"login": {"secret": SECRET, "algorithms": ["HS256"], "from": [{"query": "token"}]}},
        "upstreams": {"http": upstream(node_http)},
        "routes": [{"name": "jobs", "match": {"path": "/jobs"}, "upstream": "http", "paths": "strict",
                    "jwt": {"use": "login", "forward_as": "strip"},
                    "required_claims": [{"path": "/jobs/{job_id}", "claims": {"jobs": "{path.job_id}"}}]}]})
    secret = token("HS256", SECRET.encode(), claims(jobs=["42"]))
    for target in ("/jobs/42", "/jobs/43/../42", "/jobs/43/%2e%2e/42", "/jobs/./42"):
        response = fetch(gateway.port, target=f"{target}?a=1&token={secret}")
        assert response.status == 200 and response.json()["target"] == "/jobs/42?a=1"
    assert fetch(gateway.port, target=f"/jobs/42/../43?token={secret}").status == 403
