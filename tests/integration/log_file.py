"""A gateway whose log goes to a file, in whatever form it has there."""

import re
import subprocess
import threading
import time

import pytest

from gateway import with_test_defaults
from settings import patience, postern_binary
from yaml_text import to_yaml


def read_log(path, wanted, timeout=20):
    """The file's lines once one of them contains `wanted`; looked at again and again, for a file tells nobody that it grew."""
    deadline, pause = time.monotonic() + patience(timeout), threading.Event()
    while True:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if any(wanted in line for line in lines):
            return lines
        assert time.monotonic() < deadline, f"{wanted!r} is not in {path}: {lines[-20:]}"
        pause.wait(0.02)


@pytest.fixture
def start_logging_to(tmp_path):
    """`start_logging_to(path, config)`: a gateway whose log, and with it its port, is found in a file."""
    started = []

    def start(path, config):
        file = tmp_path / "postern.yaml"
        file.write_text(to_yaml(with_test_defaults(config)), encoding="utf-8")
        process = subprocess.Popen([postern_binary(), "run", str(file)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        started.append(process)
        lines = read_log(path, "ready")
        return process, next(int(found[1]) for found in (re.search(r"127\.0\.0\.1:(\d+)", line) for line in lines) if found)

    yield start
    for process in started:
        process.terminate()
        try:
            _, errors = process.communicate(timeout=patience(20))
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode == 0, errors
