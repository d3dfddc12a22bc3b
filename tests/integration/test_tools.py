"""Programs that developers use every day, through the gateway: npm with a scoped package, git over HTTP, curl with a large
upload that waits for 100 Continue."""

import base64
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading

import pytest

from configs import simple
from settings import MEBIBYTE, SLOW_BUILD, patience

UPLOAD = 2048 * MEBIBYTE if not SLOW_BUILD else 64 * MEBIBYTE


class Server:
    """A small HTTP server on a free port, whose handler class gets it as `owner`."""

    def __init__(self, handler):
        class Bound(handler):
            owner = self

        self.requests = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def serve():
    running = []

    def start(handler):
        running.append(Server(handler))
        return running[-1]

    yield start
    for one in running:
        one.stop()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, content_type="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def package(name, version):
    """The bytes of an npm package."""
    text = json.dumps({"name": name, "version": version, "main": "index.js"}).encode()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, content in (("package/package.json", text), ("package/index.js", b"module.exports = 7\n")):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return data.getvalue()


class Registry(Handler):
    """An npm registry that knows one package, by the address that npm gives a scope: the slash encoded."""

    TARBALL = package("@acme/widget", "1.2.3")

    def do_GET(self):
        self.owner.requests.append(self.path)
        if self.path == "/@acme%2fwidget":
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(self.TARBALL).digest()).decode()
            tarball = f"http://{self.headers['Host']}/@acme/widget/-/widget-1.2.3.tgz"
            version = {"name": "@acme/widget", "version": "1.2.3", "dist": {"tarball": tarball, "integrity": integrity}}
            self.answer(200, json.dumps({"name": "@acme/widget", "dist-tags": {"latest": "1.2.3"},
                                         "versions": {"1.2.3": version}}).encode())
        elif self.path == "/@acme/widget/-/widget-1.2.3.tgz":
            self.answer(200, self.TARBALL, "application/octet-stream")
        else:
            self.answer(404, b"{}")


def test_npm_installs_a_scoped_package(start_gateway, serve, tmp_path):
    registry = serve(Registry)
    gateway = start_gateway(simple(registry))
    (tmp_path / "package.json").write_text('{"name": "app", "version": "1.0.0"}')
    result = subprocess.run(
        ["npm", "install", "@acme/widget", f"--registry=http://127.0.0.1:{gateway.port}/", f"--cache={tmp_path}/cache",
         f"--userconfig={tmp_path}/npmrc", "--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier"],
        cwd=tmp_path, capture_output=True, text=True, timeout=patience(60), check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "node_modules" / "@acme" / "widget" / "index.js").read_text() == "module.exports = 7\n"
    assert "/@acme%2fwidget" in registry.requests


class GitServer(Handler):
    """git's own server program, http-backend, over CGI (RFC 3875)."""

    def serve(self):
        path, _, query = self.path.partition("?")
        body = self.read_body()
        environment = {"GIT_PROJECT_ROOT": self.owner.folder, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                       "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "tester",
                       "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                       "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                       "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "PATH": os.environ["PATH"]}
        output = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True).stdout
        head, _, answer = output.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = serve
    do_POST = serve


def git(*arguments, folder):
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
                "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder),
                "PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(["git", *arguments], cwd=folder, env=identity, capture_output=True, text=True,
                          timeout=patience(60), check=True).stdout


def test_git_clones_and_pushes(start_gateway, serve, tmp_path):
    assert shutil.which("git"), "git is not installed: scripts/install-dependencies test"
    server = serve(GitServer)
    server.folder = str(tmp_path)
    git("init", "--bare", "--initial-branch=main", "shop.git", folder=tmp_path)
    git("-C", "shop.git", "config", "http.receivepack", "true", folder=tmp_path)
    gateway = start_gateway(simple(server))
    url = f"http://127.0.0.1:{gateway.port}/shop.git"
    work = tmp_path / "work"
    git("clone", url, "work", folder=tmp_path)
    (work / "big").write_bytes(os.urandom(3 * MEBIBYTE))    # more than git sends in one piece: chunked
    git("checkout", "-b", "main", folder=work)
    git("add", "big", folder=work)
    git("commit", "-m", "Add a big file", folder=work)
    git("push", "origin", "main", folder=work)
    git("clone", url, "again", folder=tmp_path)
    assert (tmp_path / "again" / "big").read_bytes() == (work / "big").read_bytes()


class Sink(Handler):
    """Reads uploads without keeping them; answers with their size. http.server says 100 Continue where it is expected."""

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        self.owner.requests.append((left, self.headers.get("Expect")))
        buffer = memoryview(bytearray(MEBIBYTE))
        while left:
            left -= self.rfile.readinto(buffer[:min(left, MEBIBYTE)])
        self.answer(200, str(self.owner.requests[-1][0]).encode(), "text/plain")


@pytest.mark.slow
def test_upload_of_two_gibibytes_waits_for_its_100_and_arrives(start_gateway, serve, tmp_path):
    sink = serve(Sink)
    gateway = start_gateway(simple(sink, limits={"body_size": "4GiB"}))
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate(UPLOAD)    # sparse: it takes no room
    result = subprocess.run(
        ["curl", "-sS", "-v", "-T", str(large), "-H", "Expect: 100-continue", "--expect100-timeout", "30",
         f"http://127.0.0.1:{gateway.port}/upload"], capture_output=True, text=True, timeout=patience(120), check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == str(UPLOAD)
    assert "100 Continue" in result.stderr
    assert sink.requests == [(UPLOAD, "100-continue")]
