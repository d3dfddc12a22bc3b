"""Compressed responses and streams: what well-known decoders read, and that nothing waits for what comes later."""

import subprocess
import threading
import zlib

import brotli
import pytest
import zstandard

from configs import plain_listener, simple, tls_listener
from raw import Connection, Truncated
from settings import patience

PAGE = b"".join(b"<li>item %d of a list that goes on</li>\n" % number for number in range(8000))


def decode(coding, body):
    if coding == "gzip":
        return zlib.decompress(body, 31)
    if coding == "br":
        return brotli.decompress(body)
    return zstandard.ZstdDecompressor().decompressobj().decompress(body)


def incremental(coding):
    """A function that takes more bytes and gives what can be read of them."""
    if coding == "gzip":
        return zlib.decompressobj(31).decompress
    if coding == "br":
        return brotli.Decompressor().process
    return zstandard.ZstdDecompressor().decompressobj().decompress


def page(peer):
    while (request := peer.read_request()) is not None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"v1\"\r\n"
        if b"/chunked" in request[0].split(b"\r\n")[0]:
            pieces = [PAGE[at:at + 10_000] for at in range(0, len(PAGE), 10_000)]
            peer.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
            for piece in pieces + [b""]:
                peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        else:
            peer.send(head + b"Content-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE))


@pytest.mark.parametrize("target", ["/length", "/chunked"])
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_page_is_compressed_for_who_accepts_it(start_gateway, endpoint, coding, target):
    gateway = start_gateway(simple(endpoint(page), compression=True))
    with Connection(gateway.port) as connection:
        response = connection.request("GET", target, {"Accept-Encoding": coding})
        assert response.header("content-encoding") == coding and response.header("vary") == "Accept-Encoding"
        assert response.header("etag") == 'W/"v1"' and response.header("content-length") is None
        assert decode(coding, response.body) == PAGE and len(response.body) < len(PAGE) / 5
        assert gateway.exchange(response)["response_bytes"] == len(response.body)
        plain = connection.request("GET", target)
        assert plain.body == PAGE and plain.header("content-encoding") is None and plain.header("vary") == "Accept-Encoding"


def test_route_may_be_left_out(start_gateway, endpoint):
    gateway = start_gateway(simple(endpoint(page), compression=True, route={"compression": False}))
    with Connection(gateway.port) as connection:
        response = connection.request("GET", "/", {"Accept-Encoding": "gzip, br, zstd"})
        assert response.body == PAGE and response.header("vary") is None


def test_curl_reads_every_coding_over_tls(start_gateway, endpoint, curl, authority, site):
    gateway = start_gateway(simple(endpoint(page), compression=True, listeners=[tls_listener(site)]))
    for algorithms in (["--compressed"], ["--compressed", "-H", "Accept-Encoding: gzip"],
                       ["--compressed", "-H", "Accept-Encoding: br"], ["--compressed", "-H", "Accept-Encoding: zstd"]):
        done = subprocess.run(
            [curl, "--silent", "--show-error", "--fail", "--cacert", authority.path, *algorithms,
             f"https://localhost:{gateway.tls_port}/chunked"], capture_output=True, check=True, timeout=patience(30))
        assert done.stdout == PAGE


def test_cut_body_is_cut_for_the_client_too(start_gateway, endpoint):
    def cut(peer):
        if peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE[:100_000]))

    gateway = start_gateway(simple(endpoint(cut), compression=True))
    mark = gateway.mark()
    with Connection(gateway.port) as connection, pytest.raises(Truncated):
        connection.request("GET", "/", {"Accept-Encoding": "gzip"})
    assert gateway.wait_for("exchange", since=mark)["cause"] == "upstream_closed"


# Streams: the client has to see one event before the endpoint is told to send the next

class Stream:
    """An endpoint whose stream goes on when the test says so."""

    def __init__(self, endpoint, content_type):
        self.next = threading.Semaphore(0)
        self.content_type = content_type
        self.endpoint = endpoint(self.script)

    def script(self, peer):
        if peer.read_request() is None:
            return
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % self.content_type)
        for number in range(1, 6):
            if not self.next.acquire(timeout=patience(20)):
                return
            event = b"data: %d\n\n" % number
            peer.send(b"%x\r\n%s\r\n" % (len(event), event))
        peer.send(b"0\r\n\r\n")


def read_head(connection):
    while b"\r\n\r\n" not in connection.buffer:
        assert connection.fill()
    head, _, rest = bytes(connection.buffer).partition(b"\r\n\r\n")
    connection.buffer = bytearray(rest)
    return head.lower()


def read_chunk(connection):
    """The data of the next chunk of a body."""
    while b"\r\n" not in connection.buffer:
        assert connection.fill()
    line, _, rest = bytes(connection.buffer).partition(b"\r\n")
    connection.buffer = bytearray(rest)
    return connection.take(int(line, 16) + 2)[:-2]


@pytest.mark.parametrize("compression", [False, True], ids=["plain", "compressing"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("content_type, coding", [
    (b"text/event-stream", None), (b"application/x-ndjson", "gzip"), (b"application/x-ndjson", "br"), (b"application/x-ndjson", "zstd")])
def test_every_event_arrives_before_the_next_is_sent(start_gateway, endpoint, site, trust, compression, tls, content_type, coding):
    stream = Stream(endpoint, content_type)
    gateway = start_gateway(simple(stream.endpoint, compression=compression, listeners=[plain_listener(), tls_listener(site)]))
    accept = coding or "gzip, br, zstd"
    with Connection(gateway.tls_port if tls else gateway.port, tls=trust if tls else None) as connection:
        connection.request("GET", "/", {"Accept-Encoding": accept}, read=False)
        head = read_head(connection)
        encoded = compression and coding is not None
        assert (b"content-encoding: " + accept.encode() in head) == encoded
        read = incremental(coding) if encoded else bytes
        for number in range(1, 6):
            stream.next.release()
            event = b"data: %d\n\n" % number
            heard = b""
            while event not in heard:
                heard += read(read_chunk(connection))
            assert heard == event
