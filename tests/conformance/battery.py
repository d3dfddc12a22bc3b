"""Runs cases against one proxy: sends their bytes, and gathers what the endpoints and the client saw."""

import select
import socket
import ssl
import struct
import time

import shared  # noqa: F401
import strict
from case import APART, Case, Observed
from certificates import Authority
from origin import PROBES, Origin
from settings import patience

SETTLE = 0.05   # seconds in which a proxy that wants to close does


class Client:
    """A socket to the proxy that only gathers bytes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), patience(5))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        self.end = None     # closed, reset

    def send(self, pieces):
        try:
            for number, piece in enumerate(pieces):
                if number > 0:
                    time.sleep(APART)
                self.socket.sendall(piece)
        except OSError:
            pass            # refused while we still sent: the answer may be there all the same

    def wait(self, seconds):
        """More bytes or an end within this time?"""
        if self.end or not select.select([self.socket], [], [], seconds)[0]:
            return False
        try:
            data = self.socket.recv(65536)
            self.data += data
            if not data:
                self.end = "closed"
        except ConnectionResetError:
            self.end = "reset"
        return True

    def close(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def take_responses(client, methods, into):
    """Takes the whole responses off the client's bytes."""
    while client.data and not (into and into[-1].status == 101):
        method = methods[min(len(into), len(methods) - 1)]
        response = strict.read_response(client.data, method, client.end == "closed")
        if response is None:
            return
        into.append(response)
        client.data = client.data[response.size:]


class Battery:
    """One proxy with its endpoints. `limit`: seconds that it may take over a case."""

    def __init__(self, proxy, directory, cases, limit=2.0):
        directory = str(directory)
        authority = Authority(directory)
        leaf = authority.issue("origin", ["localhost", "127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf.certificate, leaf.key)
        answers = {case.path: case.answer for case in cases if case.answer is not None}
        self.origins = {"public": Origin("public", answers), "private": Origin("private", answers),
                        "tls": Origin("tls", answers, context)}
        self.origins["tls"].authority, self.origins["tls"].leaf = authority.path, leaf
        self.limit = patience(limit)
        try:
            self.proxy = proxy(directory, self.origins)
        except BaseException:
            self._stop_origins()
            raise
        for origin in self.origins.values():
            origin.proxy_port = self.proxy.port

    def _stop_origins(self):
        for origin in self.origins.values():
            origin.stop()

    def stop(self):
        try:
            self.proxy.stop()
        finally:
            self._stop_origins()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def run(self, case: Case) -> Observed:
        observed = Observed()
        for origin in self.origins.values():
            origin.forget()
        before = {name: origin.mark() for name, origin in self.origins.items()}
        client = Client(self.proxy.port)
        try:
            self._talk(client, case, observed)
            self._probe(case, observed)
        finally:
            client.close()
        self._collect(observed, before)
        return observed

    def _talk(self, client, case, observed):
        client.send(case.send)
        if case.finish:
            client.socket.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + self.limit + (case.answer.seconds if case.answer else 0)
        try:
            while True:
                take_responses(client, case.methods, observed.responses)
                missing = len(observed.responses) < case.expected
                if client.end or not (client.wait(max(0, deadline - time.monotonic())) if missing else client.wait(SETTLE)):
                    break
            if observed.responses and observed.responses[-1].status == 101:
                client.send([case.after_101])
                while len(client.data) < len(case.after_101) and client.wait(max(0, deadline - time.monotonic())):
                    pass
                observed.tunnel, client.data = client.data, b""
                observed.end = client.end or "reusable"
                return
            if client.end is None and not client.data and len(observed.responses) >= case.expected:
                observed.end = self._is_reusable(client)
            else:
                observed.end = client.end or "open"
        except strict.NotHttp as wrong:
            observed.client_problem = str(wrong)
        observed.rest = client.data

    def _probe_request(self, target, fields=b""):
        return b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n" + self.proxy.told + fields + b"\r\n"

    def _is_reusable(self, client):
        client.send([self._probe_request(PROBES[0])])
        answers = []
        deadline = time.monotonic() + self.limit
        while not answers and client.wait(max(0, deadline - time.monotonic())):
            take_responses(client, (b"GET",), answers)
        if answers:
            return "reusable" if answers[0].body == b"probe" else "poisoned"
        return client.end or "open"

    def _probe(self, case, observed):
        """Other clients get their own answers, and what the case still had on its way arrives before them."""
        target = PROBES[1] if case.path.startswith(b"/tls/") else PROBES[0]
        for _ in range(2):
            client = Client(self.proxy.port)
            client.send([self._probe_request(target, b"Connection: close\r\n")])
            answers = []
            deadline = time.monotonic() + self.limit + patience(5)
            try:
                while not answers and client.wait(max(0, deadline - time.monotonic())):
                    take_responses(client, (b"GET",), answers)
            except strict.NotHttp as wrong:
                observed.poisoned = f"another client got what is no HTTP: {wrong}"
            client.close()
            if not observed.poisoned and not answers:
                observed.poisoned = "another client got no answer"
            if answers and (answers[0].status, answers[0].body) != (200, b"probe"):
                observed.poisoned = f"another client got {answers[0].status} {answers[0].body[:60]!r}"

    def _collect(self, observed, before):
        for name, origin in self.origins.items():
            requests, malformed = before[name]
            news = origin.requests[requests:]
            case_requests = [one for one in news if one.target not in PROBES]
            observed.arrived += case_requests
            observed.malformed += origin.malformed[malformed:]
            if case_requests:
                last = case_requests[-1]
                observed.reused = any(one.peer is last.peer and one.order > last.order for one in news)
        observed.arrived.sort(key=lambda one: one.order)
        deadline = time.monotonic() + patience(1)
        while True:
            halves = [half for origin in self.origins.values() for half in origin.half_requests()]
            observed.stuck = any(is_open for _, is_open in halves)
            observed.partial = b"".join(data for data, _ in halves)
            if not observed.stuck or time.monotonic() > deadline:
                return
            time.sleep(0.01)
