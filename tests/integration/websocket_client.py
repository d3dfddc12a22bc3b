"""A WebSocket client without opinions: the handshake and each frame are in the test's hands."""

import base64
import hashlib
import os
import struct
from dataclasses import dataclass

from raw import Connection

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_for(key):
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + GUID).digest()).decode("ascii")


def _masked(data, mask):
    # One big XOR: a loop over 16 MiB of Python bytes would dominate every test.
    pattern = (mask * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pattern, "little")).to_bytes(len(data), "little")


def frame(data, opcode=BINARY, final=True, mask=True, reserved=0):
    first = (0x80 if final else 0) | reserved << 4 | opcode
    masked_bit = 0x80 if mask else 0
    if len(data) < 126:
        head = struct.pack("!BB", first, masked_bit | len(data))
    elif len(data) < 65536:
        head = struct.pack("!BBH", first, masked_bit | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, masked_bit | 127, len(data))
    if not mask:
        return head + data
    key = os.urandom(4)
    return head + key + _masked(data, key)


@dataclass
class Frame:
    opcode: int
    data: bytes
    final: bool

    @property
    def close_code(self):
        return struct.unpack("!H", self.data[:2])[0] if len(self.data) >= 2 else 1005

    @property
    def close_reason(self):
        return self.data[2:].decode("utf-8")


def read_frame(connection):
    """The next frame of an unmasked (server) stream."""
    first, second = connection.take(2)
    assert not second & 0x80, "a server must not mask"
    length = second & 0x7F
    if length == 126:
        length = struct.unpack("!H", connection.take(2))[0]
    elif length == 127:
        length = struct.unpack("!Q", connection.take(8))[0]
    return Frame(first & 0x0F, connection.take(length), bool(first & 0x80))


class Refused(Exception):
    def __init__(self, response):
        super().__init__(f"upgrade answered with {response.status}")
        self.response = response


class WebSocket:
    def __init__(self, port, target, headers=(), host="localhost", early=b"", **options):
        self.connection = Connection(port, **options)
        self.key = base64.b64encode(os.urandom(16)).decode("ascii")
        extra = list(headers.items()) if isinstance(headers, dict) else list(headers)
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {self.key}", "Sec-WebSocket-Version: 13"]
        lines += [f"{name}: {value}" for name, value in extra]
        self.connection.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + early)
        self.response = self.connection.read_response()
        if self.response.status != 101:
            raise Refused(self.response)
        assert self.response.header("sec-websocket-accept") == accept_for(self.key)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    @property
    def protocol(self):
        return self.response.header("sec-websocket-protocol")

    def send(self, data, opcode=None):
        if isinstance(data, str):
            data, opcode = data.encode("utf-8"), opcode or TEXT
        self.connection.send(frame(data, opcode or BINARY))

    def receive(self):
        """The next message, fragments joined; pings are answered on the way. A close frame is returned as a Frame."""
        parts, kind = [], None
        while True:
            got = read_frame(self.connection)
            if got.opcode == PING:
                self.connection.send(frame(got.data, PONG))
            elif got.opcode == CLOSE:
                return got
            elif got.opcode != PONG:
                kind = kind or got.opcode
                parts.append(got.data)
                if got.final:
                    data = b"".join(parts)
                    return data.decode("utf-8") if kind == TEXT else data

    def ends_with_close(self, code):
        """The gateway's word for an endpoint that left without one: a Close frame, then the end."""
        got = self.receive()
        return (isinstance(got, Frame) and struct.unpack("!H", got.data[:2])[0] == code and got.data[2:] != b""
                and self.connection.at_end())

    def close(self, code=1000, reason=""):
        """The closing handshake; returns the peer's close frame."""
        self.connection.send(frame(struct.pack("!H", code) + reason.encode("utf-8"), CLOSE))
        while not isinstance(got := self.receive(), Frame):
            pass
        self.connection.close()
        return got


def refused(port, target, headers=(), **options):
    """The response to an upgrade that must not be taken."""
    try:
        with WebSocket(port, target, headers, **options):
            raise AssertionError("the upgrade was taken")
    except Refused as answer:
        return answer.response
