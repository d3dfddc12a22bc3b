"""An HTTP/1.1 client that sends exactly the bytes it is given and says exactly what came back.

A response counts as complete only when its own framing says so; everything else raises Truncated."""

import socket
import ssl
import struct
from dataclasses import dataclass, field

from settings import patience


class Truncated(Exception):
    """The connection ended before the message did. `response` has what arrived."""

    def __init__(self, message, response=None):
        super().__init__(message)
        self.response = response


@dataclass
class Response:
    status: int
    reason: str
    version: str
    headers: list                       # [(name as sent, value)]
    body: bytes = b""
    framing: str = "none"               # none, length, chunked, close
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)  # 1xx responses that came before

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def json(self):
        import json
        return json.loads(self.body)


def client_context(ca=None, verify=True, minimum=None, maximum=None, ciphers=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        context.load_verify_locations(ca)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if ciphers:
        context.set_ciphers(ciphers)
    return context


class Connection:
    """One socket to the gateway. `tls` is an SSLContext, `name` the SNI and verified name."""

    def __init__(self, port, tls=None, name="localhost", host="127.0.0.1", timeout=20, receive_buffer=None, session=None):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience(timeout))
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            # Without this a connection cut without close_notify would look like an orderly end.
            self.socket = tls.wrap_socket(self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def reset(self):
        """Ends the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish(self):
        """Half-close: no more bytes from here."""
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, target, headers=(), body=None, host="localhost", read=True):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        headers = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if body is not None and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers):
            headers.append(("Content-Length", str(len(body))))
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))
        return self.read_response(method) if read else None

    # Reading

    def fill(self):
        """More bytes into the buffer; False at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except ssl.SSLEOFError:
            raise Truncated("TLS ended without close_notify") from None
        except (ConnectionResetError, BrokenPipeError):
            raise Truncated("connection reset") from None
        self.buffer += data
        return bool(data)

    def take(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise Truncated(f"end after {len(self.buffer)} of {count} bytes")
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def take_until(self, mark):
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                return self.take(at + len(mark))
            start = max(0, len(self.buffer) - len(mark) + 1)
            if not self.fill():
                raise Truncated(f"end before {mark!r}: {bytes(self.buffer[:200])!r}")

    def read_head(self):
        text = self.take_until(b"\r\n\r\n").decode("latin-1")
        first, *lines = text[:-4].split("\r\n")
        version, _, rest = first.partition(" ")
        status, _, reason = rest.partition(" ")
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon and name.strip() == name and name, f"malformed field line {line!r}"
            headers.append((name, value.strip()))
        assert version in ("HTTP/1.1", "HTTP/1.0") and len(status) == 3, f"malformed status line {first!r}"
        return Response(int(status), reason, version, headers)

    def read_response(self, method="GET"):
        interim = []
        response = self.read_head()
        while 100 <= response.status < 200 and response.status != 101:
            interim.append(response)
            response = self.read_head()
        response.interim = interim
        try:
            self._read_body(response, method)
        except Truncated as error:
            error.response = response
            raise
        return response

    def _read_body(self, response, method):
        lengths = response.all("content-length")
        coding = response.all("transfer-encoding")
        assert not (lengths and coding) and len(lengths) <= 1 and len(coding) <= 1, f"ambiguous framing {response.headers}"
        if method == "HEAD" or response.status in (101, 204, 304) or (method == "CONNECT" and response.status == 200):
            return
        if coding:
            assert coding[0].lower() == "chunked", coding
            response.framing = "chunked"
            body = bytearray()
            try:
                while size := int(self.take_until(b"\r\n")[:-2].split(b";")[0], 16):
                    body += self.take(size)
                    assert self.take(2) == b"\r\n", "chunk without its CRLF"
            finally:
                response.body = bytes(body)
            while (line := self.take_until(b"\r\n")[:-2]):
                name, _, value = line.decode("latin-1").partition(":")
                response.trailers.append((name, value.strip()))
        elif lengths:
            response.framing = "length"
            wanted = int(lengths[0])
            try:
                response.body = self.take(wanted)
            except Truncated:
                response.body = bytes(self.buffer)
                raise
        else:
            response.framing = "close"
            while self.fill():
                pass
            response.body = bytes(self.buffer)
            self.buffer.clear()

    def read_to_end(self):
        """Everything until the peer closes; a reset after the last byte counts as a close."""
        try:
            while self.fill():
                pass
        except Truncated:
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def at_end(self):
        """Waits for the peer's close; True if nothing more came before it."""
        return self.read_to_end() == b""


def fetch(port, method="GET", target="/", headers=(), body=None, host="localhost", **options):
    """One request on a connection of its own."""
    with Connection(port, **options) as connection:
        return connection.request(method, target, headers, body, host)
