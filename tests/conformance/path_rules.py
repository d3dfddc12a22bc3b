"""What an attacker hopes for: a path that passes by the rule of "/private" and that an endpoint takes for it."""

import re
from urllib.parse import unquote_to_bytes

from case import Outcome

OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf][\x80-\xbf]")


def _overlong(match):
    value = match[0][0] & (0x1f if len(match[0]) == 2 else 0x0f if len(match[0]) == 3 else 0x07)
    for byte in match[0][1:]:
        value = value << 6 | byte & 0x3f
    return bytes([value]) if value < 0x80 else match[0]


def readings(target):
    """Every path that some endpoint may make of this target."""
    raw = re.split(rb"[?#]", target, maxsplit=1)[0]
    for decode in (lambda text: text, unquote_to_bytes, lambda text: OVERLONG.sub(_overlong, unquote_to_bytes(text))):
        for parameters in (False, True):
            for merged in (False, True):
                path = decode(raw).split(b"\x00")[0].replace(b"\\", b"/")
                if parameters:
                    path = re.sub(rb";[^/]*", b"", path)
                if merged:
                    path = re.sub(rb"/+", b"/", path)
                kept = []
                for segment in path.split(b"/")[1:]:
                    if segment == b"..":
                        del kept[-1:]
                    elif segment != b".":
                        kept.append(segment)
                yield b"/" + b"/".join(kept)


def _problem(observed):
    for request in observed.arrived:
        for path in readings(request.target):
            if request.origin != "private" and (path == b"/private" or path.startswith(b"/private/")):
                return f"{request.target!r} passed by the rule of \"/private\", and can be read as {path!r}"
    return None


ONE_READING = Outcome("one reading", check=_problem)
