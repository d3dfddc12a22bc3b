"""A name server on loopback (RFC 1035 over UDP, no compression) whose answers a test may change at any time."""

import socket
import struct
import threading

A, CNAME, AAAA, SRV = 1, 5, 28, 33
NO_SUCH_NAME = 3


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".") if label) + b"\0"


class NameServer:
    def __init__(self):
        self.records = {}          # (name, type) -> [(seconds to live, data)]
        self.silent = False        # take questions and answer none
        self.questions = []        # (name, type), in order
        self.changed = threading.Condition()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def host(self, name, *addresses, ttl=60):
        self.records[name, A] = [(ttl, socket.inet_aton(address)) for address in addresses]
        self.records[name, AAAA] = []

    def service(self, name, *targets, ttl=60):
        """Targets are (priority, weight, port, host)."""
        self.records[name, SRV] = [(ttl, struct.pack("!HHH", *numbers) + encoded(host)) for *numbers, host in targets]

    def forget(self, name):
        for key in [key for key in self.records if key[0] == name]:
            del self.records[key]

    def asked(self, name, kind=A):
        with self.changed:
            return self.questions.count((name, kind))

    def _serve(self):
        while True:
            try:
                message, sender = self.socket.recvfrom(1500)
            except OSError:
                return
            if not message:
                return
            reply = self._answer(message)
            if not self.silent:
                self.socket.sendto(reply, sender)

    def _answer(self, message):
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode("ascii").lower())
            at += 1 + message[at]
        kind, = struct.unpack("!H", message[at + 1:at + 3])
        name = ".".join(labels)
        with self.changed:
            self.questions.append((name, kind))
            self.changed.notify_all()
        known = any(key[0] == name for key in self.records)
        answers = self.records.get((name, kind), [])
        body = b"".join(encoded(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data for ttl, data in answers)
        return (message[:2] + struct.pack("!HHHHH", 0x8180 | (0 if known else NO_SUCH_NAME), 1, len(answers), 0, 0) +
                message[12:at + 5] + body)
