"""What one end of a WebSocket may do, and what has to come of it (RFC 6455, RFC 3629).

A case is frames that a side sends, for either side and through any mode of the gateway: the other end is a real
library's echo. What is in order comes back message by message; what is not is answered with a Close of a code that is
named, by the end itself or, where the gateway reads frames, by the gateway: the side cannot tell which."""

import struct
from dataclasses import dataclass, field

from websocket_client import BINARY, CLOSE, PING, PONG, TEXT, frame

CONTINUATION = 0
MEBIBYTE = 1024 * 1024


@dataclass
class Case:
    name: str
    frames: list                 # of functions: masked -> bytes
    messages: list = field(default_factory=list)  # that come back: str or bytes
    pongs: list = field(default_factory=list)     # payloads that come back
    fails: tuple = ()            # the codes of which one has to be told
    closes: object = 1000        # the code that comes back for a Close among the frames; None: no code
    says_close: bool = False     # there is one
    piece: int = 0               # bytes that are sent at once; 0: all


def one(data, opcode=None, final=True, reserved=0):
    if isinstance(data, str):
        data, opcode = data.encode("utf-8"), TEXT if opcode is None else opcode
    opcode = BINARY if opcode is None else opcode
    return lambda masked: frame(data, opcode, final=final, mask=masked, reserved=reserved)


def raw(head, rest=b""):
    """A header that frame() would not write; `head` is its first bytes without the mask bit."""

    def build(masked):
        if not masked:
            return head + rest
        return bytes([head[0], head[1] | 0x80]) + head[2:] + b"\0\0\0\0" + rest

    return build


def close_data(code, reason=b""):
    return struct.pack("!H", code) + reason


def parts(text, count):
    """`text` in `count` pieces, of which none need be whole characters."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    size = -(-len(data) // count)
    return [data[at:at + size] for at in range(0, len(data), size)] or [b""]


def fragments(text, count, opcode=TEXT, between=()):
    pieces = parts(text, count)
    frames = []
    for index, piece in enumerate(pieces):
        frames.append(one(piece, CONTINUATION if index else opcode, final=index == len(pieces) - 1))
        if index < len(pieces) - 1:
            frames.extend(between)
    return frames


# --- 1: sizes ---

def sizes():
    for kind in (TEXT, BINARY):
        for size in (0, 1, 124, 125, 126, 127, 128, 1000, 65535, 65536):
            data = "*" * size if kind == TEXT else bytes(range(256)) * (size // 256) + bytes(size % 256)
            yield Case(f"1 {'text' if kind == TEXT else 'binary'} of {size}", [one(data, kind if kind == BINARY else None)], [data])
        data = "*" * 65536 if kind == TEXT else b"\xfe" * 65536
        yield Case(f"1 {'text' if kind == TEXT else 'binary'} of 65536 in pieces of 997", [one(data)], [data], piece=997)
        yield Case(f"1 {'text' if kind == TEXT else 'binary'} of 300 byte by byte", [one(data[:300])], [data[:300]], piece=1)
    for count in (2, 100):
        yield Case(f"1 {count} messages at once", [one(f"message {n}") for n in range(count)], [f"message {n}" for n in range(count)])


# --- 2: pings and pongs ---

def pings():
    for name, data in (("empty", b""), ("text", b"hello"), ("binary", b"\x00\xff\xfe\xfd"), ("of 125", b"\xfe" * 125)):
        yield Case(f"2 ping {name}", [one(data, PING)], pongs=[data])
        yield Case(f"2 ping {name} byte by byte", [one(data, PING)], pongs=[data], piece=1)
        yield Case(f"2 pong that nobody asked for, {name}", [one(data, PONG), one("after")], ["after"])
    yield Case("2 pong, then ping", [one(b"unasked", PONG), one(b"asked", PING)], pongs=[b"asked"])
    yield Case("2 pings between messages", [one("a"), one(b"1", PING), one("b"), one(b"2", PING), one("c")], ["a", "b", "c"], [b"1", b"2"])
    yield Case("2 ping of 126", [one(b"\xfe" * 126, PING)], fails=(1002,))
    yield Case("2 pong of 126", [one(b"\xfe" * 126, PONG)], fails=(1002,))


# --- 3 and 4: reserved bits and opcodes ---

def reserved():
    for bits in range(1, 8):
        for name, opcode in (("text", TEXT), ("binary", BINARY), ("ping", PING), ("close", CLOSE)):
            if opcode == TEXT or bits in (1, 4):
                yield Case(f"3 reserved bits {bits:03b} on {name}", [one("before"), one(b"", opcode, reserved=bits)], ["before"], fails=(1002,))
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield Case(f"4 opcode {opcode}", [one("before"), one(b"", opcode)], ["before"], fails=(1002,))
        yield Case(f"4 opcode {opcode} with a payload, inside a message", [one(b"a", TEXT, final=False), one(b"payload", opcode)], fails=(1002,))


# --- 5: fragments ---

def fragmented():
    for opcode in (PING, PONG, CLOSE):
        yield Case(f"5 control frame {opcode} in two", [one(b"a", opcode, final=False), one(b"b", CONTINUATION)], fails=(1002,))
    for kind, text in ((TEXT, "fragment1fragment2"), (BINARY, b"\x00\xff" * 9)):
        name = "text" if kind == TEXT else "binary"
        for count in (2, 3, 18):
            yield Case(f"5 {name} in {count}", fragments(text, count, kind), [text])
            yield Case(f"5 {name} in {count}, byte by byte", fragments(text, count, kind), [text], piece=1)
        yield Case(f"5 {name} in 3 with pings between", fragments(text, 3, kind, [one(b"ping", PING)]), [text], [b"ping", b"ping"])
        yield Case(f"5 {name} with pings between, byte by byte", fragments(text, 3, kind, [one(b"ping", PING)]), [text], [b"ping", b"ping"], piece=1)
        yield Case(f"5 {name} with empty fragments", [one(b"", kind, final=False), one(b"", CONTINUATION, final=False),
                                                      one(b"x", CONTINUATION, final=False), one(b"", CONTINUATION)], ["x" if kind == TEXT else b"x"])
        yield Case(f"5 {name} of nothing in 3", [one(b"", kind, final=False), one(b"", CONTINUATION, final=False), one(b"", CONTINUATION)],
                   ["" if kind == TEXT else b""])
        yield Case(f"5 {name} inside a message", [one(b"a", TEXT, final=False), one(b"b", kind)], fails=(1002,))
        yield Case(f"5 {name} not last inside a message", [one(b"a", TEXT, final=False), one(b"b", kind, final=False)], fails=(1002,))
    for final in (True, False):
        yield Case(f"5 continuation of nothing, last {final}", [one(b"a", CONTINUATION, final=final)], fails=(1002,))
        yield Case(f"5 continuation after a message, last {final}", [one("whole"), one(b"a", CONTINUATION, final=final)], ["whole"], fails=(1002,))
        yield Case(f"5 continuation after fragments, last {final}", [*fragments("whole", 2), one(b"a", CONTINUATION, final=final)], ["whole"], fails=(1002,))
    yield Case("5 a message in 1000", fragments("x" * 1000, 1000), ["x" * 1000])
    yield Case("5 two messages in many, with pings", [*fragments("one", 3, between=[one(b"1", PING)]), *fragments("two", 3, between=[one(b"2", PING)])],
               ["one", "two"], [b"1", b"1", b"2", b"2"])


# --- 6: UTF-8 ---

VALID = {
    "greek": "κόσμε", "german": "Hello-µ@ßöäüàá-UTF-8!!", "one byte": "\x7f", "NUL": "\x00", "two bytes, first": "\u0080", "two bytes, last": "\u07ff",
    "three bytes, first": "\u0800", "three bytes, last": "\uffff", "four bytes, first": "\U00010000", "four bytes, last": "\U0010ffff",
    "before surrogates": "\ud7ff", "after surrogates": "\ue000", "replacement": "\ufffd", "byte order mark": "\ufeff",
    "noncharacters": "\ufffe\uffff\U0001fffe\U0001ffff", "emoji": "👩‍👩‍👧‍👦" * 20,
}
INVALID = {
    "continuation alone": b"\x80", "continuations": b"\x80\xbf\x80", "0xfe": b"\xfe", "0xff": b"\xff", "0xc0": b"\xc0 ", "0xc1": b"\xc1\x80",
    "0xf5": b"\xf5\x80\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80", "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "two bytes without the last": b"\xc3", "three bytes without the last": b"\xe2\x82", "four bytes without the last": b"\xf0\x9f\x98",
    "two bytes cut by a space": b"\xc3 ", "three bytes cut by a space": b"\xe2\x82 ", "four bytes cut by a space": b"\xf0\x9f\x98 ",
    "overlong slash of two": b"\xc0\xaf", "overlong slash of three": b"\xe0\x80\xaf", "overlong slash of four": b"\xf0\x80\x80\xaf",
    "overlong last of two": b"\xc1\xbf", "overlong last of three": b"\xe0\x9f\xbf", "overlong last of four": b"\xf0\x8f\xbf\xbf", "overlong NUL": b"\xc0\x80",
    "first surrogate": b"\xed\xa0\x80", "last high surrogate": b"\xed\xaf\xbf", "first low surrogate": b"\xed\xb0\x80", "last surrogate": b"\xed\xbf\xbf",
    "surrogates in a pair": b"\xed\xa0\x80\xed\xb0\x80", "above U+10FFFF": b"\xf4\x90\x80\x80", "far above": b"\xf7\xbf\xbf\xbf",
    "greek with a surrogate": "κόσμε".encode() + b"\xed\xa0\x80edited",
}


def utf8():
    for name, text in VALID.items():
        yield Case(f"6 valid {name}", [one(text)], [text])
        yield Case(f"6 valid {name}, each byte a fragment", fragments(text, len(text.encode("utf-8"))), [text])
    for name, data in INVALID.items():
        yield Case(f"6 invalid {name}", [one(b"ok " + data, TEXT)], fails=(1007,))
        yield Case(f"6 invalid {name}, each byte a fragment", fragments(data, len(data)), fails=(1007,))
    yield Case("6 what is no UTF-8 may be binary", [one(b"\xff\xfe\x80")], [b"\xff\xfe\x80"])


# --- 7: closing ---

def closing():
    yield Case("7 Close without a code", [one(b"", CLOSE)], closes=None, says_close=True)
    yield Case("7 Close of one byte", [one(b"\x03", CLOSE)], fails=(1002,))
    for size in (0, 1, 122, 123):
        yield Case(f"7 Close with a reason of {size}", [one(close_data(1000, b"r" * size), CLOSE)], says_close=True)
    yield Case("7 Close with a reason of 124", [one(close_data(1000, b"r" * 124), CLOSE)], fails=(1002,))
    yield Case("7 Close with a reason in UTF-8", [one(close_data(1000, "grüße".encode()), CLOSE)], says_close=True)
    for name in ("two bytes without the last", "first surrogate", "0xff"):
        yield Case(f"7 Close with a reason that is none: {name}", [one(close_data(1000, INVALID[name]), CLOSE)], fails=(1007,))
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4401, 4999):
        yield Case(f"7 Close with {code}", [one(close_data(code), CLOSE)], closes=code, says_close=True)
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7 Close with {code}", [one(close_data(code), CLOSE)], fails=(1002,))
    yield Case("7 message, then Close at once", [one("last"), one(close_data(1000), CLOSE)], ["last"], says_close=True)
    yield Case("7 nothing counts after a Close", [one(close_data(1000), CLOSE), one("too late"), one(b"ping", PING)], says_close=True)
    yield Case("7 Close inside a message", [one(b"half", TEXT, final=False), one(close_data(1000), CLOSE)], says_close=True)
    yield Case("7 second Close", [one(close_data(1000), CLOSE), one(close_data(1001), CLOSE)], says_close=True)


# --- 8: what a header may not be ---

def headers():
    yield Case("8 masked the wrong way", [lambda masked: frame(b"x", TEXT, mask=not masked)], fails=(1002,))
    yield Case("8 ping masked the wrong way", [lambda masked: frame(b"x", PING, mask=not masked)], fails=(1002,))


# Of gateways that read frames alone: real ends let them pass.
def strict_headers():
    yield Case("8 length of 5 in two bytes", [raw(b"\x82\x7e\x00\x05", b"hello")], fails=(1002,))
    yield Case("8 length of 200 in eight bytes", [raw(b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\xc8", b"x" * 200)], fails=(1002,))
    yield Case("8 length with the top bit", [raw(b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00")], fails=(1002,))


# --- 9: size and number ---

def performance(large):
    for size in (MEBIBYTE // 4, MEBIBYTE, *((4 * MEBIBYTE, 16 * MEBIBYTE - 1024) if large else ())):
        yield Case(f"9 text of {size}", [one("ä" * (size // 2))], ["ä" * (size // 2)])
        yield Case(f"9 binary of {size}", [one(b"\xfe" * size)], [b"\xfe" * size])
        yield Case(f"9 text of {size} in fragments of 4096", fragments("*" * size, size // 4096), ["*" * size])
        yield Case(f"9 binary of {size} in pieces of 1500", [one(b"\x01" * size)], [b"\x01" * size], piece=1500)
    for size in (0, 64, 1024):
        yield Case(f"9 a thousand messages of {size}", [one("x" * size) for _ in range(1000)], ["x" * size] * 1000)
    # Not more: a client of Node's ws ends when some 70 come at once, with or without a gateway.
    yield Case("9 fifty pings at once", [one(str(n).encode(), PING) for n in range(50)], pongs=[str(n).encode() for n in range(50)])


def cases(strict, large):
    made = [*sizes(), *pings(), *reserved(), *fragmented(), *utf8(), *closing(), *headers(), *performance(large)]
    return made + (list(strict_headers()) if strict else [])
