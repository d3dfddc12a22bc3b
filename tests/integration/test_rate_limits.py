"""Rate limits: exact over workers and reloads, told by status, fields, log and counter; the connection stays usable."""

import json
import threading

from configs import example, simple
from metrics import LOCAL_ADMIN, number
from raw import Connection, fetch


def test_limit_is_exact_over_workers_connections_and_a_reload(start_gateway, node_http):
    config = simple(node_http, workers=2, rate_limits={"few": {"rate": "1/h", "burst": 100}}, route={"rate_limit": "few"})
    gateway = start_gateway(config)
    statuses = []

    def ask():
        for _ in range(6):   # connections, so that both workers serve
            with Connection(gateway.port) as connection:
                for _ in range(10):
                    statuses.append(connection.request("GET", "/whoami").status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    gateway.reload({**config, "via": True})
    for thread in threads:
        thread.join()
    assert (len(statuses), statuses.count(200), statuses.count(429)) == (240, 100, 140)


def test_refusal_is_told_everywhere_and_the_connection_lives_on(start_gateway, node_http):
    config = simple(node_http, admin=LOCAL_ADMIN, rate_limits={"few": {"rate": "1/m", "burst": 2, "by": {"header": "X-Api-Key"}}},
                    route={"rate_limit": "few"})
    config["routes"].append({"name": "free", "match": {"path": "/free"}, "upstream": "api"})
    gateway = start_gateway(config)
    key = {"X-Api-Key": "a-secret-key"}
    with Connection(gateway.port) as connection:
        passed = [connection.request("GET", "/echo", key) for _ in range(2)]
        assert [one.header("ratelimit") for one in passed] == ['"few";r=1;t=60', '"few";r=0;t=120']
        refused = connection.request("GET", "/echo", key)
        assert (refused.status, refused.json()["error"]) == (429, "rate_limited")
        assert 58 <= int(refused.header("retry-after")) <= 60
        assert refused.header("ratelimit-policy") == '"few";q=2;w=120'
        assert connection.request("GET", "/free", key).status == 200
    line = gateway.exchange(refused)
    assert (line["cause"], line["stage"], line["status"]) == ("rate_limited", "policy", 429)
    assert line["detail"] == "limit few by field X-Api-Key: 1/m, at most 2 at once"
    assert "a-secret-key" not in json.dumps(gateway.lines)
    assert number(gateway, "postern_failures_total", cause="rate_limited", stage="policy") == 1


def test_example_of_a_public_api(start_gateway, node_http, site, trust):
    gateway = start_gateway(example("public_api_rate_limited.yaml", {
        '":443"': '"127.0.0.1:0"', '":80"': '"127.0.0.1:0"',
        '"http://10.0.3.11:8000", "http://10.0.3.12:8000"': f'"{node_http.url}"',
        "/etc/postern/tls/site.pem": site.certificate, "/etc/postern/tls/site.key": site.key}))
    with Connection(gateway.tls_port, tls=trust) as connection:
        signed = [connection.request("POST", "/sign-in", body=b"x", host="api.example.com").status for _ in range(7)]
        assert signed == [200] * 5 + [429] * 2
        answer = connection.request("GET", "/orders", {"X-Api-Key": "one"}, host="api.example.com")
        assert answer.status == 200 and answer.header("ratelimit").startswith('"clients";r=')
        assert connection.request("GET", "/search", host="api.example.com").status == 200
        assert connection.request("GET", "/healthz").body == b"ok"
    assert fetch(gateway.port, target="/").status == 308
