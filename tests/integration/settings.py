"""What kind of build is under test, and how patient the suite may be with it."""

import os
import shutil

# A sanitizer build is several times slower: smaller bodies, fewer repetitions, no memory figures, longer deadlines.
SLOW_BUILD = os.environ.get("POSTERN_SLOW_BUILD", "") not in ("", "0")

MEBIBYTE = 1024 * 1024
LARGE_BODY = (32 if SLOW_BUILD else 512) * MEBIBYTE

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BACKENDS = os.path.join(HERE, "backends")


def patience(seconds):
    """A deadline for something that normally takes far less than `seconds`."""
    return seconds * 5 if SLOW_BUILD else seconds


def repetitions(count):
    return max(1, count // 10) if SLOW_BUILD else count


def postern_binary():
    """The binary named by POSTERN_BINARY, or the newest of the usual build folders."""
    named = os.environ.get("POSTERN_BINARY")
    if named:
        return os.path.abspath(named)
    built = [os.path.join(ROOT, "build", preset, "postern") for preset in ("debug", "release", "asan", "tsan")]
    built = [path for path in built if os.access(path, os.X_OK)]
    return max(built, key=os.path.getmtime) if built else None


def program(name):
    """Path of an installed program; Debian keeps nginx in /usr/sbin, which is not on everybody's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
