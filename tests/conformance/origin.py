"""The endpoints behind the proxy under test: they read strictly, remember everything, and answer what a case wants."""

import base64
import hashlib
import itertools
import socket
import ssl
import time

import shared  # noqa: F401
import strict
from scripted import ScriptedEndpoint
from settings import patience

ROUNDS = 100   # a request that was sent back to the proxy so often goes round for ever
PROBES = (b"/probe", b"/tls/probe")   # what the battery itself asks for; answered with "probe"
OWN_PORT = b"OWN-PORT"   # stands in an answer for the endpoint's port
order = itertools.count()   # of whole requests over all endpoints
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_for(key):
    return base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest())


class Origin:
    """One endpoint. Unless a case says otherwise it answers 200 with what it saw."""

    def __init__(self, name, answers, tls=None):
        self.name = name
        self.answers = answers          # path → Answer
        self.requests = []              # whole ones, in order of arrival
        self.malformed = []
        self.proxy_port = None          # where an answer's `back` leads
        self.endpoint = ScriptedEndpoint(self._serve, tls=tls)
        self.port, self.url = self.endpoint.port, self.endpoint.url

    def stop(self):
        self.endpoint.stop()

    # What arrived

    def mark(self):
        return len(self.requests), len(self.malformed)

    def half_requests(self):
        """Of the connections that saw the case: [(what is left of a request that is not whole, still open?)]."""
        return [(bytes(peer.buffer), not peer.ended.is_set()) for peer in self.endpoint.peers
                if getattr(peer, "case_bytes", False) and peer.buffer]

    def forget(self):
        for peer in self.endpoint.peers:
            peer.case_bytes = False
        self.endpoint.peers[:] = [peer for peer in self.endpoint.peers if not peer.ended.is_set()]

    # Serving

    def _serve(self, peer):
        continued = False
        while True:
            try:
                request = strict.read_request(bytes(peer.buffer))
                head = strict.read_request_head(bytes(peer.buffer)) if request is None else request
            except strict.NotHttp as wrong:
                self.malformed.append(str(wrong))
                peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                peer.ended.set()
                return
            answer = self.answers.get(head.target) if head is not None else None
            if request is None and answer is not None and answer.before_body:
                self._say(peer, answer)
                if answer.end != "keep":
                    return
            elif request is None and head is not None and not continued and b"100-continue" in head.listed(b"expect"):
                continued = True
                peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            if request is None:
                if not peer.fill():
                    return
                peer.case_bytes = True
                continue
            continued = False
            request.origin, request.peer, request.order = self.name, peer, next(order)
            data = bytes(peer.buffer[:request.size])
            del peer.buffer[:request.size]
            self.requests.append(request)
            if request.target in PROBES:
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe")
            elif answer is not None and answer.back:
                peer.send(self._send_back(request.target, data))
            elif answer is not None and not answer.before_body:
                self._say(peer, answer)
                if answer.end != "keep":
                    return
            elif b"websocket" in request.listed(b"upgrade"):
                self._switch(peer, request)
                return
            elif answer is None:
                body = request.method + b" " + request.target + b"\n" + request.body
                hidden = request.method == b"HEAD"
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), b"" if hidden else body))

    def _send_back(self, target, data):
        """What the proxy answers to the same bytes."""
        if sum(one.target == target for one in self.requests) >= ROUNDS:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        answer = b""
        with socket.create_connection(("127.0.0.1", self.proxy_port), patience(5)) as onward:
            onward.sendall(data)
            while strict.read_response(answer) is None and (more := onward.recv(65536)):
                answer += more
        return answer

    def _say(self, peer, answer):
        for number, piece in enumerate(answer.pieces):
            if number > 0:
                time.sleep(answer.apart)
            if not peer.send(piece.replace(OWN_PORT, b"%d" % self.port)):
                break
        if answer.end == "keep":
            return
        peer.ended.set()
        if answer.end == "reset":
            peer.reset()
        elif answer.end == "cut" and isinstance(peer.socket, ssl.SSLSocket):
            peer.close()   # a FIN without a close_notify
        else:
            if isinstance(peer.socket, ssl.SSLSocket):
                try:
                    peer.socket = peer.socket.unwrap()
                except OSError:
                    return
            peer.finish()
            while peer.fill():
                pass

    def _switch(self, peer, request):
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: " + accept_for(request.get(b"sec-websocket-key", b"")) + b"\r\n\r\n")
        data = bytes(peer.buffer)
        while data or peer.fill():
            data = data or bytes(peer.buffer)
            peer.buffer.clear()
            peer.send(data)
            data = b""
