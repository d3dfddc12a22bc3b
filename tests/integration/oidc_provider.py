"""A small OpenID Connect provider: TLS, discovery, a JWKS whose keys rotate, and every way to misbehave that a test asks for."""

import http.server
import json
import ssl
import threading

import tokens
from quiet_server import QuietServer


class OidcProvider:
    """Tokens of `token()` are signed by the newest key. `mode` is how it answers: "good", "hang", "rubbish", "huge", "error", "html"."""

    def __init__(self, leaf=None, algorithm="RS256"):
        self.algorithm = algorithm
        self.mode = "good"
        self.max_age = None            # of Cache-Control; None: the field is not sent
        self.extra_keys = []           # JWKs beside the own ones
        self.requests = []             # paths, in order
        self.keys = {}                 # by kid, the oldest first
        self._counter = 0
        self._released = threading.Event()
        self.rotate()
        self._leaf = leaf
        self._server = None
        self.port = 0
        self.start()
        scheme = "https" if leaf else "http"
        self.issuer = f"{scheme}://localhost:{self.port}/realm"
        self.jwks_uri = f"{scheme}://localhost:{self.port}/realm/keys"

    def start(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                provider._answer(self)

            def log_message(self, *_):
                pass

        self._released.clear()
        self._server = QuietServer(("127.0.0.1", self.port), Handler)
        if self._leaf:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._leaf.certificate, self._leaf.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """The provider dies; start() brings it back at the same port."""
        if self._server is None:
            return
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def rotate(self, keep=1):
        """A new signing key; of the older ones the newest `keep` stay published."""
        self._counter += 1
        kid = f"key-{self._counter}"
        self.keys[kid] = tokens.new_key(self.algorithm)
        self.kid = kid  # from here on other threads sign with it
        for kid in list(self.keys)[:-1 - keep]:
            del self.keys[kid]

    def token(self, kid=None, key=None, **changes):
        signer = key or self.keys[kid or self.kid]
        return tokens.token(self.algorithm, signer, tokens.claims(iss=self.issuer, **changes), kid=kid or self.kid)

    def fetches(self):
        return sum(1 for path in self.requests if path.endswith("/keys"))

    def _answer(self, handler):
        self.requests.append(handler.path)
        if self.mode == "hang":
            self._released.wait(60)
            return
        if self.mode == "error":
            return self._send(handler, 503, "text/plain", b"no")
        if self.mode == "html":
            return self._send(handler, 200, "text/html", b"<!doctype html><title>Login</title>")
        if self.mode == "rubbish":
            handler.connection.sendall(b"\x00\xff not HTTP \r\n\r\n")
            handler.close_connection = True
            return
        if self.mode == "huge":
            return self._send(handler, 200, "application/json", b"[" + b" " * (4 * 1024 * 1024) + b"]")
        if handler.path == "/realm/.well-known/openid-configuration":
            return self._send_json(handler, {"issuer": self.issuer, "jwks_uri": self.jwks_uri})
        if handler.path == "/realm/keys":
            published = [tokens.jwk(key, kid, self.algorithm) for kid, key in self.keys.items()]
            return self._send_json(handler, {"keys": self.extra_keys + published})
        self._send(handler, 404, "text/plain", b"not here")

    def _send_json(self, handler, value):
        self._send(handler, 200, "application/json", json.dumps(value).encode())

    def _send(self, handler, status, kind, body):
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(body)))
            if self.max_age is not None:
                handler.send_header("Cache-Control", f"public, max-age={self.max_age}")
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True  # the gateway has read enough
