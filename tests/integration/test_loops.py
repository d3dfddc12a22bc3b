"""A request that comes back to the gateway through its own upstream, at once or over a proxy in between."""

import http.client
import http.server
import threading

from backends import free_port
from configs import simple
from raw import fetch


class Between:
    """A proxy that sends every request on to the address in `leads_to`, with its fields as they came."""

    def __init__(self):
        between = self
        self.leads_to, self.requests = None, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                between.requests += 1
                onward = http.client.HTTPConnection("127.0.0.1", between.leads_to, timeout=10)
                onward.putrequest("GET", self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    onward.putheader(name, value)
                onward.endheaders()
                answer = onward.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def test_upstream_that_is_the_own_listener_is_found_at_the_first_return(start_gateway):
    port = free_port()
    gateway = start_gateway(simple(f"http://127.0.0.1:{port}", listeners=[{"address": f"127.0.0.1:{port}"}]))
    response = fetch(port, target="/x")
    assert response.status == 508 and response.json()["error"] == "loop"
    assert gateway.wait_for("exchange", target="/x", cause="loop")["attempts"] == 0
    assert gateway.wait_for("exchange", target="/x", attempts=1)["status"] == 508
    assert len(gateway.find("exchange", target="/x")) == 2


def test_loop_over_a_proxy_in_between_is_found(start_gateway, node_http):
    between = Between()
    try:
        gateway = start_gateway({
            "upstreams": {"between": {"endpoints": [f"http://127.0.0.1:{between.port}"]}, "api": {"endpoints": [node_http.url]}},
            "routes": [{"name": "front", "upstream": "between"},
                       {"name": "api", "match": {"host": "api.test"}, "upstream": "api"}]})
        between.leads_to = gateway.port
        assert fetch(gateway.port, target="/x", host="app.test").status == 508
        assert between.requests == 1
        other = start_gateway(simple(node_http))  # a second Postern behind the first is no loop
        between.leads_to = other.port
        assert fetch(gateway.port, target="/x", host="app.test").status == 200
    finally:
        between.stop()
