"""Starts the real parts as children and ends them by their own ids.

Each child prints `LISTENING <port>` when it can be used; what else it prints is kept for failure messages."""

import os
import signal
import subprocess
import threading
import time

from settings import BACKENDS, HERE, patience, program

PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's fastapi, channels and so on


class Backend:
    def __init__(self, command, environment=None, timeout=30):
        self.command = [str(part) for part in command]
        self.output = []
        self.port = None
        self._changed = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=HERE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        with self._changed:
            self._changed.wait_for(lambda: self.port or self._ended, timeout)
        if not self.port:
            self.stop()
            raise RuntimeError(f"{self.command} did not start:\n" + "\n".join(self.output[-40:]))

    def _read(self):
        for line in self.process.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                self.output.append(text)
                if text.startswith("LISTENING "):
                    self.port = int(text.split()[1])
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def wait_for_output(self, text, timeout=10):
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in line for line in self.output), patience(timeout)), (
                f"{text!r} is not in the output:\n" + "\n".join(self.output[-40:]))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def node(script, *arguments, **options):
    return Backend([program("node") or "node", os.path.join(BACKENDS, script), *arguments], **options)


def python(script, *arguments, **options):
    return Backend([PYTHON, os.path.join(BACKENDS, script), *arguments], **options)


def run_node(script, *arguments, timeout=60):
    """Runs a client to its end and returns what it printed last, decoded from JSON."""
    import json
    done = subprocess.run([program("node") or "node", os.path.join(BACKENDS, script), *map(str, arguments)], cwd=HERE,
                          capture_output=True, text=True, timeout=patience(timeout), check=False)
    lines = done.stdout.strip().splitlines()
    assert done.returncode == 0 and lines, f"{script} failed ({done.returncode}):\n{done.stdout}\n{done.stderr}"
    return json.loads(lines[-1])


class Nginx:
    """Debian's nginx as a plain process with a configuration and folder of its own."""

    def __init__(self, directory, server_block, attempts=5, listen_options=""):
        self.listen_options = listen_options
        self.directory = str(directory)
        for attempt in range(attempts):
            self.port = free_port()
            path = os.path.join(self.directory, "nginx.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self._configuration(server_block))
            self.process = subprocess.Popen(
                [program("nginx"), "-p", self.directory, "-c", path, "-e", os.path.join(self.directory, "error.log")],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._answers():
                return
            self.stop()
        raise RuntimeError("nginx did not start")

    def _configuration(self, server_block):
        temporary = "\n".join(f"  {kind}_temp_path {self.directory}/{kind};"
                              for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return (f"daemon off;\nmaster_process off;\nworker_processes 1;\npid {self.directory}/nginx.pid;\n"
                f"events {{ worker_connections 256; }}\nhttp {{\n{temporary}\n  access_log off;\n"
                f"  server {{\n    listen 127.0.0.1:{self.port} {self.listen_options};\n{server_block}\n  }}\n}}\n")

    def _answers(self):
        import socket
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.01)  # nginx says nothing when it is ready
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def free_port():
    """A port that was free a moment ago, for programs that cannot choose one themselves."""
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
