"""Runs the real binary: starts it, finds its ports in its log, reloads it, stops it and looks at how it ended."""

import copy
import json
import os
import signal
import subprocess
import threading
import time

from settings import patience, postern_binary
from yaml_text import to_yaml

SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "UndefinedBehaviorSanitizer", "runtime error:")


class GatewayFailed(AssertionError):
    pass


def _matches(line, event, fields):
    if event is not None and line.get("event") != event:
        return False
    for name, wanted in fields.items():
        if name not in line:
            return False
        if not (wanted(line[name]) if callable(wanted) else line[name] == wanted):
            return False
    return True


def with_test_defaults(config):
    """What every test wants unless it says otherwise: two workers, one plain listener, an end without long waits."""
    config = copy.deepcopy(config)
    config.setdefault("workers", 2)
    config.setdefault("listeners", [{"address": "127.0.0.1:0"}])
    config.setdefault("limits", {}).setdefault("drain_timeout", "2s")
    return config


class Gateway:
    """One running gateway. `config` is a dictionary (test defaults are filled in) or YAML text (taken as it is)."""

    def __init__(self, config, directory, environment=None, descriptors=None):
        self.directory = str(directory)
        self.path = os.path.join(self.directory, "postern.yaml")
        self.environment = environment or {}
        self.descriptors = descriptors
        self.lines = []          # every log line, decoded, in order
        self.raw_lines = []      # the same as text, also what is not JSON
        self.errors = []         # stderr
        self.process = None
        self._changed = threading.Condition()
        self._ended = False
        self._threads = []
        self.configure(config)

    def configure(self, config):
        """Writes the configuration file; a running gateway sees it at its next reload."""
        text = config if isinstance(config, str) else to_yaml(with_test_defaults(config))
        written = self.path + ".new"
        with open(written, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(written, self.path)

    # Life

    def start(self):
        binary = postern_binary()
        if binary is None:
            raise GatewayFailed("no gateway binary: set POSTERN_BINARY or build one")
        command = [binary, "run", self.path]
        if self.descriptors:
            command = ["/bin/sh", "-c", f'ulimit -n {self.descriptors}; exec "$@"', "sh"] + command
        environment = dict(os.environ)
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        environment.update(self.environment)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=self.directory, env=environment)
        for pipe, take in ((self.process.stdout, self._take_line), (self.process.stderr, self._take_error)):
            thread = threading.Thread(target=self._read, args=(pipe, take), daemon=True)
            thread.start()
            self._threads.append(thread)
        self.wait_for("ready", timeout=20)
        return self

    def _read(self, pipe, take):
        for line in pipe:
            take(line.decode("utf-8", "replace").rstrip("\n"))
        with self._changed:
            self._ended = self._ended or pipe is self.process.stdout
            self._changed.notify_all()

    def _take_line(self, text):
        try:
            line = json.loads(text)
        except ValueError:
            line = {"event": None, "text": text}
        with self._changed:
            self.raw_lines.append(text)
            self.lines.append(line)
            self._changed.notify_all()

    def _take_error(self, text):
        with self._changed:
            self.errors.append(text)
            self._changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, config=None, expect="reloaded"):
        """SIGHUP, and the log line that says what came of it.

        A reload that fails writes a line for each problem. This waits for its very last line: a line that comes later
        would be taken for the outcome of the next reload."""
        if config is not None:
            self.configure(config)
        mark = self.mark()
        self.signal(signal.SIGHUP)
        last = {"reloaded": "reloaded", "reload_failed": "configuration_kept"}
        self.wait_for(lambda line: line.get("event") in last.values(), since=mark,
                      check=lambda line: line["event"] == last[expect])
        return self.find(expect, since=mark)[0]

    def wait_exit(self, timeout=20):
        code = self.process.wait(patience(timeout))
        for thread in self._threads:
            thread.join(patience(5))
        return code

    def stop(self, timeout=20):
        """SIGTERM; the gateway must end by itself, in order, and with nothing to complain about."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait_exit(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise GatewayFailed("the gateway did not stop after SIGTERM\n" + self.tail()) from None
        self.assert_clean(code)

    def assert_clean(self, code):
        complaints = [line for line in self.errors if any(word in line for word in SANITIZER_WORDS)]
        if complaints:
            raise GatewayFailed("sanitizer output:\n" + "\n".join(self.errors[-200:]))
        if code != 0:
            raise GatewayFailed(f"the gateway ended with {code}\n{self.tail()}")
        if not self.find("stopped"):
            raise GatewayFailed("the gateway ended without saying so\n" + self.tail())

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.wait_exit()

    def tail(self, count=40):
        return "\n".join(self.raw_lines[-count:] + self.errors[-count:])

    # The log

    def mark(self):
        """A place in the log: pass it as `since` to look only at what comes later."""
        with self._changed:
            return len(self.lines)

    def find(self, event=None, since=0, **fields):
        with self._changed:
            return [line for line in self.lines[since:] if _matches(line, event, fields)]

    def wait_for(self, event=None, timeout=10, since=0, check=None, **fields):
        """The first line after `since` that is `event` (a name or a predicate) and has `fields` (values or predicates)."""
        predicate = event if callable(event) else lambda line: _matches(line, event, {})
        deadline = time.monotonic() + patience(timeout)
        position = since
        with self._changed:
            while True:
                while position < len(self.lines):
                    line = self.lines[position]
                    position += 1
                    if predicate(line) and _matches(line, None, fields):
                        if check is not None and not check(line):
                            raise GatewayFailed(f"unexpected log line {line}\n{self.tail()}")
                        return line
                remaining = deadline - time.monotonic()
                if self._ended or remaining <= 0:
                    why = "the gateway ended" if self._ended else f"{timeout} s passed"
                    wanted = event if not callable(event) else "a line like that"
                    raise GatewayFailed(f"{why} without {wanted} {fields}\n{self.tail()}")
                self._changed.wait(remaining)

    def exchange(self, response, **fields):
        """The access log line of a response, found by its request id."""
        return self.wait_for("exchange", request_id=response.header("x-request-id"), **fields)

    # Ports

    def addresses(self):
        """Listening addresses as the log gives them, in its order: [(host, port, tls)]."""
        found = []
        for line in self.find("listening"):
            host, _, port = line["address"].rpartition(":")
            if (host, int(port), bool(line.get("tls"))) not in found:
                found.append((host, int(port), bool(line.get("tls"))))
        return found

    def port_of(self, tls=False, index=0):
        ports = [port for _, port, is_tls in self.addresses() if is_tls == tls]
        return ports[index]

    @property
    def port(self):
        return self.port_of(tls=False)

    @property
    def tls_port(self):
        return self.port_of(tls=True)

    # Resources

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class MemoryWatch:
    """The highest resident size of a process while the block runs."""

    def __init__(self, gateway, interval=0.02):
        self.gateway = gateway
        self.interval = interval
        self._stop = threading.Event()

    def __enter__(self):
        self.before = self.peak = self.gateway.resident_bytes()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def _sample(self):
        while not self._stop.wait(self.interval):
            self.peak = max(self.peak, self.gateway.resident_bytes())

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, self.gateway.resident_bytes())

    @property
    def growth(self):
        return self.peak - self.before
