"""An authentication server with the semantics of oauth2-proxy's endpoints, and every way to misbehave that a test asks for.

oauth2-proxy is in no Debian 12 package and not in the npm registry, and npm has no other forward-auth server. This one
answers as oauth2-proxy 7 with --reverse-proxy and --set-xauthrequest does:

- /oauth2/auth: 202 with X-Auth-Request-User, -Email and -Preferred-Username, or 401; a session that is due is
  renewed by Set-Cookie on the 202. It looks at the cookie alone.
- /oauth2/start?rd=...: a cookie against CSRF and 302 to the provider of identities (here: straight to the callback).
- /oauth2/callback?state=...: sets the session and leads back to `rd`, which must be a path of this site.
- /oauth2/sign_in: a page with status 403; /oauth2/sign_out ends the session.
"""

import http.server
import secrets
import socket
import threading
import urllib.parse

from quiet_server import QuietServer

COOKIE = "_oauth2_proxy"


def cookies_of(headers):
    found = {}
    for field in headers.get_all("Cookie", []):
        for pair in field.split(";"):
            name, _, value = pair.strip().partition("=")
            found[name] = value
    return found


def is_safe(target):
    return target.startswith("/") and not target.startswith(("//", "/\\"))


class ForwardAuthServer:
    """`mode` is how /oauth2/auth answers: "good", "hang", "huge", "huge_head", "error", "rubbish", "close"."""

    def __init__(self):
        self.mode = "good"
        self.renews = False        # every 202 renews the session
        self.names = True          # a 202 says who it is
        self.user = "alice"
        self.questions = []        # (method, path, [(name, value)], body) of /oauth2/auth, in order
        self.sessions = set()
        self.connections = 0
        self.port = 0
        self._server = None
        self._open = set()
        self._released = threading.Event()
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                owner.connections += 1
                owner._open.add(self.request)
                super().setup()

            def finish(self):
                owner._open.discard(self.request)
                super().finish()

            def do_GET(self):
                try:
                    owner._answer(self)
                except OSError:
                    self.close_connection = True  # the gateway has read enough

            def log_message(self, *_):
                pass

        self._released.clear()
        self._server = QuietServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """It dies; start() brings it back at the same port."""
        if self._server is None:
            return
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._open):  # its threads would serve them for ever
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._server = None

    def release(self):
        """Ends the hanging of those that hang."""
        self._released.set()
        self._released = threading.Event()

    def session(self):
        value = secrets.token_urlsafe(12)
        self.sessions.add(value)
        return value

    # The endpoints

    def _answer(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        cookies = cookies_of(handler.headers)
        if url.path == "/oauth2/auth":
            return self._auth(handler, cookies)
        if url.path == "/oauth2/start":
            state = secrets.token_urlsafe(8)
            target = urllib.parse.urlencode({"state": f"{state}:{query.get('rd', '/')}", "code": "c"})
            return self._send(handler, 302, b"", [("Location", f"/oauth2/callback?{target}"),
                                                  ("Set-Cookie", f"{COOKIE}_csrf={state}; Path=/; HttpOnly")])
        if url.path == "/oauth2/callback":
            state, _, target = query.get("state", "").partition(":")
            if not state or cookies.get(f"{COOKIE}_csrf") != state:
                return self._send(handler, 403, b"csrf")
            return self._send(handler, 302, b"", [("Location", target if is_safe(target) else "/"),
                                                  ("Set-Cookie", f"{COOKIE}={self.session()}; Path=/; HttpOnly"),
                                                  ("Set-Cookie", f"{COOKIE}_csrf=; Path=/; Max-Age=0")])
        if url.path == "/oauth2/sign_out":
            self.sessions.discard(cookies.get(COOKIE))
            return self._send(handler, 302, b"", [("Location", "/"), ("Set-Cookie", f"{COOKIE}=; Path=/; Max-Age=0")])
        if url.path == "/oauth2/sign_in":
            return self._send(handler, 403, b"<!doctype html><title>Sign in</title>", [("Content-Type", "text/html")])
        self._send(handler, 404, b"not here")

    def _auth(self, handler, cookies):
        length = int(handler.headers.get("Content-Length", 0))
        self.questions.append((handler.command, handler.path, handler.headers.items(), handler.rfile.read(length)))
        if self.mode == "hang":
            self._released.wait(60)
            handler.close_connection = True
            return
        if self.mode == "close":
            handler.close_connection = True
            return
        if self.mode == "rubbish":
            handler.connection.sendall(b"\x00\xff not HTTP \r\n\r\n")
            handler.close_connection = True
            return
        if self.mode == "error":
            return self._send(handler, 500, b"stack trace")
        if self.mode == "huge":
            return self._send(handler, 403, b"x" * (4 * 1024 * 1024))
        if self.mode == "huge_head":
            return self._send(handler, 202, b"", [("X-Padding", "x" * 60000), ("X-More", "x" * 60000)])
        session = cookies.get(COOKIE)
        if session not in self.sessions:
            return self._send(handler, 401, b"Unauthorized\n", [("Content-Type", "text/plain; charset=utf-8")])
        fields = []
        if self.names:
            fields += [("X-Auth-Request-User", self.user), ("X-Auth-Request-Email", f"{self.user}@example.com"),
                       ("X-Auth-Request-Preferred-Username", self.user), ("GAP-Auth", f"{self.user}@example.com")]
        if self.renews:
            self.sessions.discard(session)
            fields.append(("Set-Cookie", f"{COOKIE}={self.session()}; Path=/; HttpOnly"))
        self._send(handler, 202, b"", fields)

    @staticmethod
    def _send(handler, status, body, fields=()):
        handler.send_response(status)
        for name, value in fields:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
