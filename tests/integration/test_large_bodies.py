"""Half a gibibyte each way through peers that are slow or stop: the bytes arrive and the gateway does not grow."""

import threading
import time
import zlib

import pytest

from configs import plain_listener, simple, tls_listener
from gateway import MemoryWatch
from raw import Connection, fetch
from settings import LARGE_BODY, MEBIBYTE, SLOW_BUILD

pytestmark = pytest.mark.slow

BLOCK = (bytes(range(256)) * 4096)[:MEBIBYTE]
RATE = 64 * MEBIBYTE            # bytes a second of the slow peer
PAUSE_AT = LARGE_BODY // 8      # where the stopping peer stops
GROWTH_LIMIT = 8 * MEBIBYTE
SMALL_WINDOW = 256 * 1024       # socket buffers must not hide the gateway's own buffering


def checksum_of_blocks(total):
    sum_ = 0
    for _ in range(total // MEBIBYTE):
        sum_ = zlib.crc32(BLOCK, sum_)
    return sum_


class Pace:
    """How a peer reads: at a steady rate, or at full speed with one stop of five seconds."""

    def __init__(self, kind):
        self.kind = kind
        self.begun = time.monotonic()
        self.count = 0
        self.stopped = False
        self._never = threading.Event()

    def take(self, count):
        self.count += count
        if self.kind == "steady":
            ahead = self.begun + self.count / RATE - time.monotonic()
            if ahead > 0.01:
                self._never.wait(ahead)  # the pace itself, not a wait for something to happen
        elif not self.stopped and self.count >= PAUSE_AT:
            self.stopped = True
            self._never.wait(5)


def drain(receive_into, total, pace, already=b""):
    """Reads `total` bytes at the given pace and returns their checksum."""
    buffer = memoryview(bytearray(MEBIBYTE))
    sum_, left = zlib.crc32(already), total - len(already)
    while left:
        count = receive_into(buffer[:min(left, MEBIBYTE)])
        assert count, f"ended {left} bytes early"
        sum_ = zlib.crc32(buffer[:count], sum_)
        left -= count
        pace.take(count)
    return sum_


def sink(kind, result):
    """An endpoint that reads an upload at a pace and answers with its checksum."""

    def script(peer):
        while (head := peer.read_head()) is not None:
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            already, peer.buffer = bytes(peer.buffer[:length]), bytearray()
            sum_ = drain(peer.socket.recv_into, length, Pace(kind if length == LARGE_BODY else None), already)
            result[length] = sum_
            body = b"%d" % sum_
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return script


def source(peer):
    """An endpoint that sends as many mebibytes as the path says, as fast as they are taken."""
    while (request := peer.read_request()) is not None:
        count = int(request[0].split(b" ")[1].strip(b"/"))
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count * MEBIBYTE))
        for _ in range(count):
            if not peer.send(BLOCK):
                return


def limit_seconds():
    return (LARGE_BODY / RATE + 5) * 3 + 20


def assert_bounded(watch, begun):
    print(f"resident memory {watch.before >> 10} KiB before, {watch.peak >> 10} KiB at most, {time.monotonic() - begun:.1f} s")
    assert time.monotonic() - begun < limit_seconds()
    if not SLOW_BUILD:
        assert watch.growth < GROWTH_LIMIT, f"grew by {watch.growth >> 10} KiB"


@pytest.mark.parametrize("kind, encrypted", [("steady", False), ("stopping", False), ("steady", True)])
def test_upload_through_a_slow_endpoint_keeps_memory(start_gateway, endpoint, site, trust, kind, encrypted):
    result = {}
    upstream = endpoint(sink(kind, result), receive_buffer=SMALL_WINDOW)
    gateway = start_gateway(simple(upstream, listeners=[plain_listener(), tls_listener(site)], workers=1))
    port = gateway.tls_port if encrypted else gateway.port
    options = {"tls": trust} if encrypted else {}
    assert fetch(port, "POST", "/", body=BLOCK * 4, **options).status == 200  # what is allocated once, is allocated now

    with Connection(port, timeout=limit_seconds(), **options) as connection, MemoryWatch(gateway) as watch:
        begun = time.monotonic()
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % LARGE_BODY)
        for _ in range(LARGE_BODY // MEBIBYTE):
            connection.send(BLOCK)
        response = connection.read_response()
    assert response.status == 200 and int(response.body) == result[LARGE_BODY] == checksum_of_blocks(LARGE_BODY)
    assert_bounded(watch, begun)


@pytest.mark.parametrize("kind, encrypted", [("steady", False), ("stopping", False), ("steady", True)])
def test_download_through_a_slow_client_keeps_memory(start_gateway, endpoint, site, trust, kind, encrypted):
    gateway = start_gateway(simple(endpoint(source), listeners=[plain_listener(), tls_listener(site)], workers=1))
    port = gateway.tls_port if encrypted else gateway.port
    options = {"tls": trust} if encrypted else {}
    assert len(fetch(port, target="/4", **options).body) == 4 * MEBIBYTE

    with Connection(port, timeout=limit_seconds(), receive_buffer=SMALL_WINDOW, **options) as connection, \
            MemoryWatch(gateway) as watch:
        begun = time.monotonic()
        connection.send(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % (LARGE_BODY // MEBIBYTE))
        head = connection.read_head()
        assert int(head.header("content-length")) == LARGE_BODY
        sum_ = drain(connection.socket.recv_into, LARGE_BODY, Pace(kind), bytes(connection.buffer))
    assert sum_ == checksum_of_blocks(LARGE_BODY)
    assert_bounded(watch, begun)
