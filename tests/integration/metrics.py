"""Reads a running gateway's numbers as Prometheus would."""

import re
import time

from raw import fetch
from settings import patience

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')

LOCAL_ADMIN = {"address": "127.0.0.1:0"}


def admin_port(gateway):
    return int(gateway.find("admin_listening")[-1]["address"].rpartition(":")[2])


def parse(text):
    """{(metric, ((label, value), ...)): number}, labels sorted."""
    numbers = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, f"no sample: {line!r}"
        key = (match[1], tuple(sorted(LABEL.findall(match[2] or ""))))
        assert key not in numbers, f"twice: {line!r}"
        numbers[key] = float(match[3])
    return numbers


def read(gateway):
    response = fetch(admin_port(gateway), target="/metrics", host="localhost")
    assert response.status == 200
    return parse(response.body.decode())


def number(gateway, metric, **labels):
    return read(gateway).get((metric, tuple(sorted(labels.items()))), 0)


def wait_for_number(gateway, wanted, metric, timeout=5, **labels):
    """The number, once it is `wanted` (a value or a predicate): it moves when a task ends, which takes a moment."""
    fits = wanted if callable(wanted) else lambda value: value == wanted
    deadline = time.monotonic() + patience(timeout)
    while not fits(value := number(gateway, metric, **labels)):
        assert time.monotonic() < deadline, f"{metric} {labels} is {value}, not {wanted}"
        time.sleep(0.02)
    return value
