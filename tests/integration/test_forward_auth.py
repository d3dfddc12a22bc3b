"""Forward authentication: a server with oauth2-proxy's endpoints (forward_auth_server.py) decides about requests, upgrades
and event streams, and misbehaves; and a backend like Grafana, which believes X-WEBAUTH-USER, is never told a lie."""

import concurrent.futures
import json
import signal
import threading
import wsgiref.simple_server
from types import SimpleNamespace

import pytest

import metrics
import websocket_client
from configs import upstream
from forward_auth_server import COOKIE, ForwardAuthServer
from raw import Connection, fetch
from settings import patience
from websocket_client import WebSocket

PAGE = [("Accept", "text/html,application/xhtml+xml")]


@pytest.fixture
def auth():
    server = ForwardAuthServer()
    yield server
    server.stop()


@pytest.fixture
def cgi():
    """A backend that sees header fields as CGI variables, as Grafana's auth proxy behind uwsgi would; it answers the user."""
    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_):
            pass

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        names = {key: value for key, value in environ.items() if "WEBAUTH" in key.upper()}
        return [json.dumps({"user": environ.get("HTTP_X_WEBAUTH_USER"), "names": sorted(names)}).encode()]

    server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def config(auth, backend, route=None, **rules):
    return {
        "admin": metrics.LOCAL_ADMIN,
        "upstreams": {"app": upstream(backend), "auth": upstream(auth)},
        "routes": [
            {"name": "sign_in", "match": {"path": "/oauth2"}, "upstream": "auth"},
            {"name": "open", "match": {"path": "/open"}, "upstream": "app"},
            {"name": "app", "upstream": "app", **(route or {}),
             "forward_auth": {"url": f"{auth.url}/oauth2/auth", "sign_in": "/oauth2/start?rd={uri}",
                              "answer_headers": {"X-Auth-Request-User": "X-WEBAUTH-USER"}, **rules}},
        ],
    }


def cookie(auth):
    return [("Cookie", f"theme=dark; {COOKIE}={auth.session()}")]


def browse(gateway, target):
    """Follows redirects with cookies as a browser does; returns the last response, the addresses and the cookies."""
    jar, visited = {}, []
    while True:
        visited.append(target)
        assert len(visited) < 10, visited
        fields = PAGE + ([("Cookie", "; ".join(f"{name}={value}" for name, value in jar.items()))] if jar else [])
        response = fetch(gateway.port, target=target, headers=fields)
        for field in response.all("set-cookie"):
            name, _, value = field.partition(";")[0].partition("=")
            jar.pop(name, None) if "Max-Age=0" in field else jar.update({name: value})
        if response.status not in (302, 303):
            return response, visited, jar
        target = response.header("location")


# Signing in

def test_browser_signs_in_and_comes_back_to_its_page(start_gateway, auth, node_http):
    gateway = start_gateway(config(auth, node_http))
    response, visited, jar = browse(gateway, "/report?week=7&x=%2F")
    assert response.status == 200 and response.json()["target"] == "/report?week=7&x=%2F"
    assert visited[0] == visited[-1] and visited[1] == "/oauth2/start?rd=%2Freport%3Fweek%3D7%26x%3D%252F"
    assert COOKIE in jar and f"{COOKIE}_csrf" not in jar
    assert dict(response.json()["headers"])["X-WEBAUTH-USER"] == "alice"
    method, path, fields, body = auth.questions[-1]
    sent = {name.lower(): value for name, value in fields}
    assert (method, path, body) == ("GET", "/oauth2/auth", b"")
    assert sent["x-forwarded-uri"] == "/report?week=7&x=%2F" and sent["x-forwarded-method"] == "GET"
    assert sent["x-original-url"] == "http://localhost/report?week=7&x=%2F" and sent["host"] == f"127.0.0.1:{auth.port}"
    # Who has signed out passes no more.
    assert fetch(gateway.port, target="/oauth2/sign_out", headers=[("Cookie", f"{COOKIE}={jar[COOKIE]}")]).status == 302
    assert fetch(gateway.port, target="/report", headers=[("Cookie", f"{COOKIE}={jar[COOKIE]}")]).status == 401


def test_script_gets_the_answer_of_the_server_and_the_log_says_why(start_gateway, auth, node_http):
    gateway = start_gateway(config(auth, node_http))
    response = fetch(gateway.port, target="/api", headers=[("Accept", "application/json")])
    assert (response.status, response.body) == (401, b"Unauthorized\n")
    assert response.header("content-type") == "text/plain; charset=utf-8"
    line = gateway.exchange(response)
    assert (line["cause"], line["fault"]) == ("auth_refused", "client")
    assert line["detail"] == "the authentication server answered 401"
    assert metrics.number(gateway, "postern_forward_auth_total", route="app", outcome="refused") == 1


def test_body_of_the_request_goes_to_the_endpoint_alone(start_gateway, auth, node_http):
    gateway = start_gateway(config(auth, node_http))
    body = b"x" * 300_000
    with Connection(gateway.port) as connection:
        for _ in range(2):
            response = connection.request("POST", "/upload", cookie(auth), body)
            assert response.status == 200 and response.json()["body_bytes"] == len(body)
        response = connection.request("HEAD", "/upload", cookie(auth))
        assert response.status == 200
    assert [question[3] for question in auth.questions] == [b"", b"", b""]
    assert {dict(question[2])["X-Forwarded-Method"] for question in auth.questions} == {"POST", "HEAD"}


def test_renewed_session_reaches_the_client_where_it_is_declared(start_gateway, auth, node_http):
    auth.renews = True
    gateway = start_gateway(config(auth, node_http, set_cookies=True))
    fields = cookie(auth)
    for _ in range(3):
        response = fetch(gateway.port, target="/", headers=fields)
        assert response.status == 200
        fields = [("Cookie", response.header("set-cookie").partition(";")[0])]
    gateway.reload(config(auth, node_http))
    assert fetch(gateway.port, target="/", headers=fields).header("set-cookie") is None


def test_connections_to_the_server_are_used_again(start_gateway, auth, node_http):
    gateway = start_gateway({**config(auth, node_http), "workers": 1})
    fields = cookie(auth)
    before = auth.connections
    for _ in range(20):
        assert fetch(gateway.port, target="/", headers=fields).status == 200
    assert auth.connections - before == 1


# The header that Grafana believes

FORGED = ["X-WEBAUTH-USER: admin", "x-webauth-user: admin", "X_WEBAUTH_USER: admin", "X-WEBAUTH_USER: admin",
          "X-WebAuth-User:admin", "X.WEBAUTH.USER: admin", "X-WEBAUTH-USER: bob\r\nX-WEBAUTH-USER: admin",
          "X-WEBAUTH-USER: bob\r\nX_WEBAUTH_USER: admin", "X|WEBAUTH|USER: admin",
          "Connection: X-WEBAUTH-USER\r\nX-WEBAUTH-USER: admin", "Connection: X_WEBAUTH_USER\r\nX_WEBAUTH_USER: admin",
          "Connection: keep-alive, x-auth-request-user\r\nX_Webauth_User: admin"]
REFUSED = ["X-WEBAUTH-USER : admin", "X-WEBAUTH-USER\t: admin", "X-Other: a\r\n X-WEBAUTH-USER: admin",
           "X-Other: a\rX-WEBAUTH-USER: admin", "X-WEBAUTH-USER\x0b: admin", "X-WEBAUTH-USER\x00: admin"]


def say(gateway, lines, method="GET", target="/", rest=b""):
    with Connection(gateway.port) as connection:
        connection.send(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n\r\n".encode("latin-1") + rest)
        return connection.read_response(method)


def test_user_of_grafana_cannot_be_forged(start_gateway, auth, cgi):
    gateway = start_gateway(config(auth, cgi))
    session = f"Cookie: {COOKIE}={auth.session()}\r\n"
    for lines in FORGED:
        for names, user in ((True, "alice"), (False, None)):
            auth.names = names
            seen = say(gateway, session + lines).json()
            assert seen == {"user": user, "names": ["HTTP_X_WEBAUTH_USER"] if user else []}, (lines, names)
        seen = say(gateway, lines, target="/open").json()
        assert seen == {"user": None, "names": []}, lines
        assert all("webauth" not in name.lower() for question in auth.questions for name, _ in question[2])
    auth.names = True
    asked = len(auth.questions)
    for lines in REFUSED:
        assert say(gateway, session + lines).status == 400, lines
    assert len(auth.questions) == asked
    chunked = say(gateway, f"{session}Transfer-Encoding: chunked\r\nTrailer: X-WEBAUTH-USER", method="POST",
                  rest=b"1\r\na\r\n0\r\nX-WEBAUTH-USER: admin\r\n\r\n")
    assert chunked.json()["user"] == "alice"


def test_user_cannot_be_forged_behind_a_trusted_proxy_or_by_another_way_in(start_gateway, auth, cgi):
    rules = config(auth, cgi, route={"access": "any", "allow": "127.0.0.1"})
    gateway = start_gateway({**rules, "trusted_proxies": ["127.0.0.1"]})
    for lines in FORGED:
        seen = say(gateway, lines).json()
        assert seen == {"user": None, "names": []}, lines


# Sockets and streams

def test_socket_is_asked_about_once_and_a_refusal_says_why(start_gateway, auth, node_ws):
    gateway = start_gateway(config(auth, node_ws))
    with WebSocket(gateway.port, "/headers", cookie(auth)) as client:
        sent = json.loads(client.receive())["headers"]
        assert sent[sent.index("X-WEBAUTH-USER") + 1] == "alice"
        asked = len(auth.questions)
        auth.sessions.clear()
        client.send("still here")
        assert client.receive() == "still here" and len(auth.questions) == asked
    sent = {name.lower(): value for name, value in auth.questions[0][2]}
    assert sent["x-forwarded-uri"] == "/headers"
    assert not {"upgrade", "connection", "sec-websocket-key", "sec-websocket-version"} & set(sent)
    refused = websocket_client.refused(gateway.port, "/headers", PAGE)
    assert refused.status == 401
    # A page is told by a Close frame, as it is of a token.
    with WebSocket(gateway.port, "/headers", [("Origin", "http://localhost")]) as page:
        close = page.receive()
        assert close.close_code == 4401 and json.loads(close.close_reason)["error"] == "auth_refused"
    auth.stop()
    refused = websocket_client.refused(gateway.port, "/headers")
    assert refused.status == 503 and refused.json()["error"] == "auth_unavailable" and refused.header("retry-after")
    assert gateway.wait_for("exchange", cause="auth_unavailable")["target"] == "/headers"


def test_event_stream_passes_and_lives_without_further_questions(start_gateway, auth, node_http):
    gateway = start_gateway(config(auth, node_http))
    accept = [("Accept", "text/event-stream")]
    assert fetch(gateway.port, target="/events", headers=accept).status == 401
    with Connection(gateway.port) as reader:
        reader.request("GET", "/events", accept + cookie(auth), read=False)
        assert reader.read_head().header("content-type") == "text/event-stream"
        reader.take_until(b": open\n\n")
        asked = len(auth.questions)
        auth.sessions.clear()
        assert fetch(node_http.port, target="/events/push?data=one").status == 200
        reader.take_until(b"data: one\n\n")
        assert len(auth.questions) == asked


# A server in trouble

TROUBLES = {"hang": (504, "auth_timed_out"), "close": (503, "auth_unavailable"), "error": (502, "auth_bad_answer"),
            "rubbish": (502, "auth_bad_answer"), "huge": (502, "auth_bad_answer"), "huge_head": (502, "auth_bad_answer")}


def test_nothing_passes_while_the_server_is_in_trouble(start_gateway, auth, node_http):
    gateway = start_gateway(config(auth, node_http, timeout="500ms"))
    fields = cookie(auth)
    for mode, (status, cause) in TROUBLES.items():
        auth.mode = mode
        response = fetch(gateway.port, target="/", headers=fields)
        assert (response.status, response.json()["error"]) == (status, cause), mode
        assert str(auth.port) not in response.body.decode(), "a client learns nothing of what is behind"
        line = gateway.exchange(response)
        assert auth.url in line["detail"] and line["fault"] == "gateway", line
        auth.release()
        auth.mode = "good"
        assert fetch(gateway.port, target="/", headers=fields).status == 200
    auth.stop()
    response = fetch(gateway.port, target="/", headers=fields)
    assert (response.status, response.json()["error"]) == (503, "auth_unavailable") and response.header("retry-after")
    assert fetch(gateway.port, target="/open").status == 200
    auth.start()
    assert fetch(gateway.port, target="/", headers=fields).status == 200
    assert metrics.number(gateway, "postern_forward_auth_total", route="app", outcome="failed") == len(TROUBLES) + 1


def test_other_requests_go_on_while_the_server_hangs(start_gateway, auth, node_http):
    gateway = start_gateway({**config(auth, node_http, timeout="30s"), "workers": 1})
    auth.mode = "hang"
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(fetch, gateway.port, target="/", headers=cookie(auth)) for _ in range(20)]
        metrics.wait_for_number(gateway, lambda value: value >= 20, "postern_upstream_attempts_total", upstream=auth.url)
        assert fetch(gateway.port, target="/open").status == 200
        auth.mode = "good"
        auth.release()
        assert {one.result(patience(30)).status for one in waiting} <= {200, 503}


def test_drain_lets_a_waiting_request_end(start_gateway, auth, node_http):
    gateway = start_gateway(config(auth, node_http, timeout="30s"))
    auth.mode = "hang"
    with Connection(gateway.port) as connection:
        connection.request("GET", "/", cookie(auth), read=False)
        metrics.wait_for_number(gateway, 1, "postern_upstream_attempts_total", upstream=auth.url)
        gateway.signal(signal.SIGTERM)
        gateway.wait_for("draining")
        auth.release()  # the server closes the connection without an answer, and the question may be asked anew
        assert connection.read_response().status == 503
    gateway.stop()


# The cache

def test_kept_answer_serves_a_session_until_its_time_is_over(start_gateway, auth, node_http):
    rules = {"time": "1h", "key": [f"cookie:{COOKIE}"]}
    gateway = start_gateway({**config(auth, node_http, cache=rules), "workers": 1})
    fields = cookie(auth)
    for index in range(10):
        response = fetch(gateway.port, target=f"/page/{index}", headers=fields + [("X-Key", str(index))])
        assert dict(response.json()["headers"])["X-WEBAUTH-USER"] == "alice"
    assert len(auth.questions) == 1
    assert metrics.number(gateway, "postern_forward_auth_cached_total", route="app") == 9
    auth.user = "bob"
    assert dict(fetch(gateway.port, target="/", headers=cookie(auth)).json()["headers"])["X-WEBAUTH-USER"] == "bob"
    auth.stop()  # what is kept goes on, and nobody else passes
    assert fetch(gateway.port, target="/", headers=fields).status == 200
    assert fetch(gateway.port, target="/", headers=cookie(auth)).status == 503
    assert fetch(gateway.port, target="/").status == 503


def test_burst_of_one_session_asks_once(start_gateway, auth, node_http):
    rules = {"time": "10s", "key": [f"cookie:{COOKIE}"]}
    gateway = start_gateway({**config(auth, node_http, cache=rules), "workers": 1})
    fields = cookie(auth)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda index: fetch(gateway.port, target=f"/{index}", headers=fields), range(200)))
    assert {answer.status for answer in answers} == {200}
    assert len(auth.questions) == 1


def test_burst_of_clients_shares_no_cookie_that_the_server_sets(start_gateway, auth, node_http):
    """Requests with one key are asked about once, but an answer that sets a session belongs to the one who asked."""
    auth.renews = True
    gateway = start_gateway(config(auth, node_http, set_cookies=True, cache={"time": "10s", "key": ["client_address"]}))
    clients = [cookie(auth) for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda fields: fetch(gateway.port, target="/report", headers=fields), clients))
    sessions = [field.partition(";")[0] for answer in answers for field in answer.all("set-cookie") if field.startswith(COOKIE)]
    assert {answer.status for answer in answers} == {200} and len(sessions) == len(set(sessions)) == 8


@pytest.mark.parametrize("target", ["/open/../admin", "/open/%2e%2e/admin", "/open/./../admin?x=1", "//admin"])
def test_server_judges_the_path_that_the_endpoint_gets(start_gateway, auth, node_http, target):
    gateway = start_gateway(config(auth, node_http, route={"paths": "strict"}))
    response = fetch(gateway.port, target=target, headers=cookie(auth))
    if response.status == 400:  # it has more than one reading
        return
    sent = {name.lower(): value for name, value in auth.questions[-1][2]}
    assert response.status == 200 and sent["x-forwarded-uri"] == sent["x-original-uri"] == response.json()["target"]
    assert sent["x-forwarded-uri"].partition("?")[0] == "/admin"
