"""HTTP/1.1 read as RFC 9112's grammar has it and no other way: the judge of what came out of a proxy, on both sides.

Nothing is forgiven here. A proxy that passes something on writes it anew, so what it writes can be held to every rule."""

import re
from dataclasses import dataclass, field

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*")
# Bytes beyond ASCII in a target are no RFC 3986, but browsers and their backends use them.
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") (/[!-\"$-~\x80-\xff]*|\*|https?://[!-\"$-~\x80-\xff]+) HTTP/1\.([01])")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2}) ([\t -~\x80-\xff]*)")
QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})((?:;" + TOKEN + rb"(?:=(?:" + TOKEN + rb"|" + QUOTED + rb"))?)*)")
HOST = re.compile(rb"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class NotHttp(Exception):
    """The bytes break a rule."""


@dataclass
class Message:
    fields: list                     # [(name in lower case, value)]
    version: int = 1                 # of HTTP/1.x
    body: bytes = b""
    framing: str = "none"            # none, length, chunked, close
    trailers: list = field(default_factory=list)
    size: int = 0                    # bytes of the whole message

    def all(self, name):
        return [value for key, value in self.fields if key == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def listed(self, name):
        return [element.strip().lower() for value in self.all(name) for element in value.split(b",")]


@dataclass
class Request(Message):
    method: bytes = b""
    target: bytes = b""


@dataclass
class Response(Message):
    status: int = 0
    reason: bytes = b""
    interim: list = field(default_factory=list)   # the 1xx before it


def _fields(lines):
    fields = []
    for line in lines:
        match = FIELD.fullmatch(line)
        if match is None:
            raise NotHttp(f"no field line: {line[:80]!r}")
        fields.append((match[1].lower(), match[2]))
    return fields


def _head(data):
    """(lines, bytes used) of a head, or None while its empty line has not come."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = data[:end].split(b"\r\n")
    for line in lines:
        if b"\r" in line or b"\n" in line:
            raise NotHttp(f"bare CR or LF: {line[:80]!r}")
    return lines, end + 4


def _chunked(message, data, start):
    """Reads chunks from `start`; the end, or None while some is missing."""
    at = start
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            if len(data) - at > 4096:
                raise NotHttp("a chunk line without end")
            return None
        match = CHUNK.fullmatch(data[at:end])
        if match is None:
            raise NotHttp(f"no chunk line: {data[at:end][:80]!r}")
        size = int(match[1], 16)
        at = end + 2
        if size == 0:
            break
        if len(data) < at + size + 2:
            message.body += data[at:at + size]
            return None
        if data[at + size:at + size + 2] != b"\r\n":
            raise NotHttp("a chunk's data does not end with CRLF")
        message.body += data[at:at + size]
        at += size + 2
    if data[at:at + 2] == b"\r\n":
        return at + 2
    head = _head(data[at:])
    if head is None:
        return None
    message.trailers = _fields(head[0])
    return at + head[1]


def _framing(message):
    """(length or None, chunked?) as the fields say, with every doubt refused."""
    lengths, codings = message.all(b"content-length"), message.all(b"transfer-encoding")
    if lengths and codings:
        raise NotHttp("both Content-Length and Transfer-Encoding")
    if len(lengths) > 1 or len(codings) > 1:
        raise NotHttp("framing said twice")
    if lengths and not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
        raise NotHttp(f"Content-Length {lengths[0]!r}")
    if codings and codings[0].lower() != b"chunked":
        raise NotHttp(f"Transfer-Encoding {codings[0]!r}")
    if codings and message.version == 0:
        raise NotHttp("Transfer-Encoding in HTTP/1.0")
    return (int(lengths[0]) if lengths else None), bool(codings)


def read_request_head(data):
    """A Request without its body (`size` is that of the head), or None while the head is not whole."""
    head = _head(data)
    if head is None:
        return None
    lines, used = head
    match = REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise NotHttp(f"no request line: {lines[0][:80]!r}")
    request = Request(_fields(lines[1:]), int(match[3]), method=match[1], target=match[2], size=used)
    hosts = request.all(b"host")
    if len(hosts) != 1 and (request.version == 1 or hosts):
        raise NotHttp(f"{len(hosts)} Host fields")
    if hosts and not HOST.fullmatch(hosts[0]):
        raise NotHttp(f"Host {hosts[0]!r}")
    _framing(request)
    return request


def read_request(data):
    """The whole Request at the front of `data`, or None while some of it is missing."""
    request = read_request_head(data)
    if request is None:
        return None
    length, chunked = _framing(request)
    if chunked:
        request.framing = "chunked"
        end = _chunked(request, data, request.size)
        if end is None:
            return None
        request.size = end
    elif length is not None:
        request.framing = "length"
        request.body = bytes(data[request.size:request.size + length])
        if len(request.body) < length:
            return None
        request.size += length
    return request


def read_response(data, method=b"GET", ended=False):
    """The whole final Response at the front of `data` with the interim ones before it, or None while some is missing.
    `ended`: the connection has ended in good order, which completes a body that lasts until then."""
    interim, at = [], 0
    while True:
        head = _head(data[at:])
        if head is None:
            return None
        lines, used = head
        match = STATUS_LINE.fullmatch(lines[0])
        if match is None:
            raise NotHttp(f"no status line: {lines[0][:80]!r}")
        response = Response(_fields(lines[1:]), int(match[1]), status=int(match[2]), reason=match[3], interim=interim)
        length, chunked = _framing(response)
        at += used
        if response.status < 200 and (length is not None or chunked):
            raise NotHttp("an interim response with framing")
        if response.status == 101 or response.status >= 200:
            break
        interim.append(response)
    if response.status == 204 and (length or chunked):
        raise NotHttp("a 204 with framing")
    if method == b"HEAD" or response.status in (101, 204, 304):
        pass
    elif chunked:
        response.framing = "chunked"
        end = _chunked(response, data, at)
        if end is None:
            return None
        at = end
    elif length is not None:
        response.framing = "length"
        response.body = bytes(data[at:at + length])
        if len(response.body) < length:
            return None
        at += length
    else:
        response.framing = "close"
        if not ended:
            return None
        response.body = bytes(data[at:])
        at = len(data)
    response.size = at
    return response
