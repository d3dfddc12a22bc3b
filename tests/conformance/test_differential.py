"""What the gateway writes anew is the same message to h11 and to Node; see differential.py for the longer run."""

import os
import random

import pytest

import shared  # noqa: F401
from differential import Accepted, Differential, node_reads, problem_with
from settings import SLOW_BUILD, postern_binary

pytestmark = pytest.mark.no_gateway


def test_other_readers_read_the_same():
    seed = random.SystemRandom().randrange(2 ** 32)
    print("seed", seed)
    reader = os.path.join(os.path.dirname(postern_binary()), "tests", "conformance", "conformance_reader")
    differential = Differential(reader, seed)
    differential.hold_sources()
    differential.hold_mutations(20 if SLOW_BUILD else 8)
    assert not differential.problems, differential.problems[0]
    assert differential.accepted > 200, "hardly anything was accepted: this tests nothing"


GOOD = b"POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize("written", [
    GOOD.replace(b"POST", b"PUT"), GOOD.replace(b"/a", b"/b"), GOOD.replace(b": 5", b": 4"), GOOD.replace(b": 5", b": 6"),
    GOOD + b"GET / HTTP/1.1\r\nHost: b\r\n\r\n", GOOD + b"\x00", GOOD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")])
def test_a_difference_is_seen(written):
    right = Accepted("POST", "/a", b"hello", GOOD)
    wrong = Accepted("POST", "/a", b"hello", written)
    nodes = node_reads([(b"q", GOOD), (b"q", written)])
    assert problem_with(b"q", right, nodes[0]) is None
    assert problem_with(b"q", wrong, nodes[1]) is not None
