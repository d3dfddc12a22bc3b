#!/usr/bin/python3
"""Holds what the gateway accepts and writes anew against two readers that share no code with it: h11 and Node's HTTP.

  tests/conformance/differential.py [--reader PROGRAM] [--seconds N] [--seed N]

Inputs are the battery's cases, the fuzz corpora, and mutations of both. Whatever is accepted must, as it is written
anew, be exactly one message to each of the two, with the same method or status, target, fields and body. PROGRAM is
conformance_reader of a build; the newest is taken. Needs Debian's python3-h11 and Node."""

import argparse
import glob
import json
import os
import random
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

import h11

import shared  # noqa: F401
import request_cases
import response_cases
from settings import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 400
LARGEST = 4096   # bytes of an input; larger cases are about limits

PIECES = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b"\x00", b"\x0b", b"\x80", b"\xff", b"\t", b" ", b":", b";", b",", b'"',
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"00", b"0x", b"-", b"+", b"ffffffff", b"7fffffffffffffff", b"4294967296",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: 05\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"transfer-encoding:\tchunked\r\n", b"Transfer-Encoding : chunked\r\n",
    b"Host: localhost\r\n", b"Host: other\r\n", b"Connection: close\r\n", b"Connection: keep-alive, Upgrade\r\n",
    b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"Trailer: X\r\n", b"TE: trailers\r\n", b"X: y\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0", b"HTTP/1.1",
]


# Node's parser takes the methods of a table only; any other stands in its bytes as one that it takes, for a method
# frames nothing.
COMMON_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
STAND_IN = "PUT"


@dataclass(frozen=True)
class Accepted:
    """A message as the gateway read it, and the bytes it would send on."""
    first: str       # method, or status
    second: str      # target, or the method that is answered
    body: bytes
    written: bytes


def method_for_node(accepted):
    return accepted.first if accepted.first in COMMON_METHODS else STAND_IN


def bytes_for_node(kind, accepted):
    if kind != b"q":
        return accepted.written
    return method_for_node(accepted).encode() + accepted.written[len(accepted.first):]


def framed(inputs):
    return b"".join(kind + struct.pack(">I", len(data)) + data for kind, data in inputs)


def gateway_reads(reader, inputs):
    """For each input: [Accepted]."""
    run = subprocess.run([reader], input=framed(inputs), stdout=subprocess.PIPE, check=True)
    found, current = [], []
    for line in run.stdout.decode("ascii").splitlines():
        if line.startswith("E "):
            found.append(current)
            current = []
        else:
            first, second, body, written = (bytes.fromhex(word[1:]) for word in line.split(" ")[1:])
            current.append(Accepted(first.decode("latin-1"), second.decode("latin-1"), body, written))
    assert len(found) == len(inputs)
    return found


def node_reads(inputs):
    run = subprocess.run(["node", os.path.join(HERE, "node_reader.mjs")], input=framed(inputs), stdout=subprocess.PIPE, check=True)
    lines = run.stdout.splitlines()
    assert len(lines) == len(inputs)
    return [json.loads(line) for line in lines]


def h11_reads(kind, accepted):
    """(first, second, fields, body) of the one message that h11 finds; raises when it finds anything else."""
    if kind == b"q":
        connection = h11.Connection(h11.SERVER)
    else:
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method=accepted.second, target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
    connection.receive_data(accepted.written)
    head, body, fields = None, b"", []
    while True:
        event = connection.next_event()
        if isinstance(event, (h11.Request, h11.Response)) and head is None:
            head = event
            fields += event.headers
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            fields += event.headers
            break
        else:
            raise AssertionError(f"h11 found {event!r}")
    assert connection.trailing_data == (b"", False), f"h11 left {connection.trailing_data!r}"
    if kind == b"q":
        return head.method.decode("latin-1"), head.target.decode("latin-1"), fields, body
    return str(head.status_code), accepted.second, fields, body


def problem_with(kind, accepted, node):
    """None, or in what the readers differ."""
    try:
        first, second, fields, body = h11_reads(kind, accepted)
    except (h11.ProtocolError, AssertionError) as wrong:
        return f"h11: {wrong}"
    if (first, second, body) != (accepted.first, accepted.second, accepted.body):
        return f"h11 read {first} {second} {body!r}"
    if node["error"] is not None or len(node["messages"]) != 1 or not node["messages"][0]["whole"]:
        return f"node: {node}"
    message = node["messages"][0]
    if kind == b"q" and (message["method"], message["target"]) != (method_for_node(accepted), accepted.second):
        return f"node read {message['method']} {message['target']}"
    if kind != b"q" and str(message["status"]) != accepted.first:
        return f"node read status {message['status']}"
    if bytes.fromhex(message["body"]) != accepted.body:
        return f"node read body {bytes.fromhex(message['body'])!r}"
    words = [bytes.fromhex(word) for word in message["fields"]]
    node_fields = [(name.lower(), value.strip(b" \t")) for name, value in zip(words[::2], words[1::2])]
    if node_fields != [(bytes(name), bytes(value)) for name, value in fields]:
        return f"node read the fields {node_fields}, h11 {fields}"
    return None


def sources():
    """[(kind, bytes)]: the battery's cases and the corpora."""
    found = [(b"q", b"".join(case.send)) for case in request_cases.CASES]
    found += [(b"h" if case.methods[0] == b"HEAD" else b"r", b"".join(case.answer.pieces)) for case in response_cases.CASES]
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "fuzz", "corpus", "re*_*", "*"))):
        with open(path, "rb") as file:
            data = file.read()
        if "/response_" in path:
            found.append((b"h" if data[:1] and data[0] & 1 else b"r", data[1:]))
        else:
            found.append((b"q", data))
    return [(kind, data) for kind, data in found if len(data) <= LARGEST]


def mutated(data, others, chance):
    """`data` with one to four things done to it."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        what = chance.randrange(7)
        if what == 0:
            data[at:at] = chance.choice(PIECES)
        elif what == 1:
            data[at:at + 1] = chance.choice(PIECES)
        elif what == 2:
            del data[at:at + chance.randint(1, 8)]
        elif what == 3 and data:
            data[at % len(data)] = chance.randrange(256)
        elif what == 4:
            other = chance.choice(others)
            start = chance.randint(0, len(other))
            data[at:at] = other[start:start + chance.randint(1, 60)]
        else:
            lines = bytes(data).split(b"\r\n")
            picked = chance.randrange(len(lines))
            if what == 5:
                lines.insert(chance.randrange(len(lines)), lines[picked])
            else:
                other = chance.choice(others).split(b"\r\n")
                lines[picked] = chance.choice(other)
            data = bytearray(b"\r\n".join(lines))
    return bytes(data[:LARGEST])


class Differential:
    def __init__(self, reader, seed):
        self.reader = reader
        self.chance = random.Random(seed)
        self.base = sources()
        self.by_kind = {kind: [data for other, data in self.base if other == kind] for kind in (b"q", b"r", b"h")}
        self.inputs = self.accepted = 0
        self.problems = []   # (kind, input, what the gateway wrote, what is wrong)

    def hold(self, inputs):
        """One batch through all readers."""
        self.inputs += len(inputs)
        wanted = [(kind, data, accepted) for (kind, data), found in zip(inputs, gateway_reads(self.reader, inputs))
                  for accepted in found]
        # The two readers take no target beyond ASCII; the gateway sends it on as it came.
        wanted = [one for one in wanted if one[0] != b"q" or one[2].second.isascii()]
        if not wanted:
            return
        self.accepted += len(wanted)
        readings = node_reads([(b"h" if accepted.second == "HEAD" and kind != b"q" else b"r" if kind != b"q" else b"q", bytes_for_node(kind, accepted))
                               for kind, _, accepted in wanted])
        for (kind, data, accepted), node in zip(wanted, readings):
            if problem := problem_with(kind, accepted, node):
                self.problems.append((kind, data, accepted.written, problem))

    def hold_sources(self):
        for at in range(0, len(self.base), BATCH):
            self.hold(self.base[at:at + BATCH])

    def hold_mutations(self, seconds):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self.problems:
            batch = []
            for _ in range(BATCH):
                kind, data = self.chance.choice(self.base)
                batch.append((kind, mutated(data, self.by_kind[kind], self.chance)))
            self.hold(batch)


def newest_reader():
    built = glob.glob(os.path.join(ROOT, "build", "*", "tests", "conformance", "conformance_reader"))
    return max(built, key=os.path.getmtime, default=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reader", default=newest_reader())
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2 ** 32))
    arguments = parser.parse_args()
    if arguments.reader is None:
        parser.error("no conformance_reader is built")
    differential = Differential(arguments.reader, arguments.seed)
    differential.hold_sources()
    differential.hold_mutations(arguments.seconds)
    for kind, data, written, problem in differential.problems[:20]:
        print(f"{kind.decode()} {data!r}\n  written {written!r}\n  {problem}")
    print(f"differential: seed {arguments.seed}, {differential.inputs} inputs, {differential.accepted} messages accepted, "
          f"{len(differential.problems)} read otherwise")
    return 1 if differential.problems else 0


if __name__ == "__main__":
    sys.exit(main())
