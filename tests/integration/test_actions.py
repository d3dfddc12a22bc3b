"""Routes that answer by themselves: fixed responses, redirects, maintenance."""

import pytest

from configs import upstream
from raw import Connection, fetch


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http):
    return start_shared_gateway({
        "origins": {"pages": {"allow": ["https://app.example.com"]}},
        "upstreams": {"api": upstream(node_http)},
        "routes": [
            {"name": "health", "match": {"path": "/health"},
             "respond": {"body": '{"ok":true}', "content_type": "application/json", "headers": {"X-Kind": "fixed"}}},
            {"name": "old", "match": {"path": "/old"}, "redirect": {"to": "https://new.example.com{uri}", "status": 308}},
            {"name": "closed", "match": {"path": "/closed"}, "upstream": "api", "origins": "pages",
             "maintenance": {"message": "Back at noon.", "retry_after": "2m", "allow": ["192.0.2.0/24"]}},
            {"name": "open", "match": {"path": "/open"}, "upstream": "api", "maintenance": {"allow": ["127.0.0.1"]}},
        ]})


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_fixed_answer_has_every_method(gateway, method):
    response = fetch(gateway.port, method, "/health", body=b"x" if method == "POST" else None)
    assert response.status == 200 and response.header("content-type") == "application/json"
    assert response.header("content-length") == "11" and response.header("x-kind") == "fixed"
    assert response.body == (b"" if method == "HEAD" else b'{"ok":true}')
    line = gateway.exchange(response)
    assert (line["route"], line["upstream"], line["cause"]) == ("health", None, None)


def test_options_of_a_fixed_answer_names_the_methods(gateway):
    response = fetch(gateway.port, "OPTIONS", "/health")
    assert response.status == 204 and "GET" in response.header("allow")


def test_large_body_is_not_waited_for(gateway):
    with Connection(gateway.port) as client:
        client.send(b"POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nfirst")
        response = client.read_response()
    assert response.status == 200 and response.header("connection") == "close"


@pytest.mark.parametrize("target, location", [
    ("/old/x?a=%41&b", "https://new.example.com/old/x?a=%41&b"), ("/old", "https://new.example.com/old"),
    ("/old/%2e%2e/old/./y", "https://new.example.com/old/y"), ("/old//x", "https://new.example.com/old/x"),
])
def test_redirect_says_where(gateway, target, location):
    response = fetch(gateway.port, "POST", target, body=b"")
    assert response.status == 308 and response.all("location") == [location]


def test_maintenance_answers_for_the_upstream(gateway):
    response = fetch(gateway.port, target="/closed/x", headers={"Origin": "https://app.example.com"})
    assert (response.status, response.json()["error"]) == (503, "maintenance")
    assert response.json()["message"] == "Back at noon." and response.header("retry-after") == "120"
    assert response.header("access-control-allow-origin") == "https://app.example.com"
    assert gateway.exchange(response)["cause"] == "maintenance"


def test_clients_on_the_list_pass_maintenance(gateway):
    assert fetch(gateway.port, target="/open/x").json()["target"] == "/open/x"
