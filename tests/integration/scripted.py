"""An endpoint that says exactly the bytes a test wants and remembers exactly the bytes it got."""

import socket
import ssl
import struct
import threading

from settings import patience
from websocket_client import accept_for


class Peer:
    """One accepted connection, as the script sees it. `received` is everything that ever arrived on it."""

    def __init__(self, endpoint, connection):
        self.endpoint = endpoint
        self.socket = connection
        self.received = bytearray()
        self.buffer = bytearray()
        self.ended = threading.Event()

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLError, TimeoutError):
            data = b""
        except OSError:
            data = b""
        self.received += data
        self.buffer += data
        if not data:
            self.ended.set()
        return bool(data)

    def read_head(self):
        """The next request head, or None at the end."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                return None
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer = bytearray(rest)
        return head + b"\r\n\r\n"

    def read_request(self):
        """The next request with its whole body (content-length or chunked): (head, body), or None."""
        head = self.read_head()
        if head is None:
            return None
        fields = head.decode("latin-1").lower().split("\r\n")
        length = [line.partition(":")[2].strip() for line in fields if line.startswith("content-length:")]
        if any(line.startswith("transfer-encoding:") for line in fields):
            body = bytearray()
            while True:
                line = self.read_line()
                if line is None:
                    return None
                size = int(line, 16)
                data = self.read(size + 2 if size else 0)
                if data is None:
                    return None
                if size == 0:
                    while (line := self.read_line()):
                        pass
                    break
                body += data[:-2]
            self.endpoint.remember(head, bytes(body))
            return head, bytes(body)
        body = self.read(int(length[0])) if length else b""
        if body is None:
            return None
        self.endpoint.remember(head, body)
        return head, body

    def read_line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                return None
        line, _, rest = bytes(self.buffer).partition(b"\r\n")
        self.buffer = bytearray(rest)
        return line

    def read(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                return None
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def send(self, data):
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def end(self):
        """From another thread than the script's, which then closes the socket: a descriptor that is closed under a
        read may be that of another file by the time the read looks at it."""
        try:
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        except OSError:
            pass

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class ScriptedEndpoint:
    """Listens on a port of its own; `script(peer)` runs in a thread for each connection."""

    def __init__(self, script=None, host="127.0.0.1", port=0, tls=None, receive_buffer=None):
        self.script = script or answer_ok
        self.tls = tls
        self.requests = []               # complete requests: (head, body)
        self.peers = []
        self.changed = threading.Condition()
        self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind((host, port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{'[' + host + ']' if ':' in host else host}:{self.port}"
        self.failure = None
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(patience(60))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
        except (OSError, ssl.SSLError):
            connection.close()
            return
        peer = Peer(self, connection)
        with self.changed:
            self.peers.append(peer)
            self.changed.notify_all()
        try:
            self.script(peer)
        except OSError:
            pass
        except Exception as failure:  # a broken script must fail its test, not a thread nobody looks at
            self.failure = failure
            raise
        finally:
            peer.close()

    def remember(self, head, body):
        with self.changed:
            self.requests.append((head, body))
            self.changed.notify_all()

    def received(self):
        return b"".join(bytes(peer.received) for peer in self.peers)

    def wait_until(self, condition, timeout=10):
        with self.changed:
            assert self.changed.wait_for(condition, patience(timeout)), "the endpoint saw nothing of the kind"

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for peer in self.peers:
            peer.end()


def answer_ok(peer):
    """Answers every request with its own target, on one connection, until the gateway leaves."""
    while (request := peer.read_request()) is not None:
        target = request[0].split(b" ")[1]
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(target), target))


def answer_with(data, close=True):
    """A script that reads one request and sends `data`, then ends the connection (or waits for the other side)."""

    def script(peer):
        if peer.read_request() is None:
            return
        peer.send(data)
        if not close:
            while peer.fill():
                pass

    return script


# WebSockets

def handshake_answer(head, *lines, status=b"101 Switching Protocols", accept=None):
    key = next(line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = accept or accept_for(key.decode()).encode()
    fields = [b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Accept: " + accept]
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in [*fields, *lines]) + b"\r\n"


def accepts(*lines, then=None, accept=None):
    """A script that takes the upgrade, with further fields in its answer, and goes on with `then(peer)`."""

    def script(peer):
        head = peer.read_head()
        if head is not None:
            peer.send(handshake_answer(head, *lines, accept=accept))
            (then or echo_bytes)(peer)

    return script


def echo_bytes(peer):
    while True:
        data, peer.buffer = bytes(peer.buffer), bytearray()
        if data and not peer.send(data):
            return
        if not peer.buffer and not peer.fill():
            return
