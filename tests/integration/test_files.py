"""Static files with the real binary: a built application in a browser, downloads that go on, and what is never served."""

import filecmp
import gzip
import json
import os
import subprocess
import threading

import brotli
import pytest

import backends
from configs import example, plain_listener, tls_listener, upstream
from gateway import MemoryWatch
from raw import Connection
from settings import LARGE_BODY, MEBIBYTE, SLOW_BUILD, patience

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def fetch(port, target, headers=(), method="GET"):
    with Connection(port) as connection:
        return connection.request(method, target, headers)


def serving(root, files=None, route=None, **more):
    return {"routes": [{"name": "site", "files": {"root": str(root), **(files or {})}, **(route or {})}], **more}


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


# A built application

@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return backends.run_node("vite_build.mjs", tmp_path_factory.mktemp("vite"))


@pytest.fixture(scope="module")
def application(start_shared_gateway, built, node_http, site):
    return start_shared_gateway({
        "listeners": [plain_listener(), tls_listener(site)],
        "compression": True,
        "upstreams": {"api": upstream(node_http)},
        "routes": [{"name": "site", "spa": True,
                    "files": {"root": built["dist"], "cache": {"/assets/*": "public, max-age=31536000, immutable"}}},
                   {"name": "api", "match": {"path": "/api"}, "upstream": "api"}]})


def test_built_application_and_its_addresses(application, built):
    page = fetch(application.port, "/", BROWSER)
    assert page.status == 200 and page.header("content-type") == "text/html; charset=utf-8"
    assert page.header("cache-control") == "no-cache" and b"/assets/" in page.body
    assert fetch(application.port, "/users/7", BROWSER).body == page.body
    script = next(name for name in built["assets"] if name.endswith(".js"))
    asset = fetch(application.port, f"/assets/{script}")
    assert asset.status == 200 and asset.header("content-type") == "text/javascript; charset=utf-8"
    assert asset.header("cache-control") == "public, max-age=31536000, immutable"
    assert asset.header("x-content-type-options") == "nosniff"
    for target in ("/assets/old-1234.js", "/favicon.ico", "/users/7.json"):
        missing = fetch(application.port, target, BROWSER)
        assert missing.status == 404 and b"file_not_found" in missing.body and missing.body != page.body
    assert fetch(application.port, "/users/7", {"Accept": "application/json"}).status == 404
    assert fetch(application.port, "/api/echo", BROWSER).json()["method"] == "GET"


@pytest.mark.browser
def test_built_application_runs_in_a_browser(application, chromium):
    for path in ("/", "/users/7"):
        result = backends.run_node("chromium_page.mjs", json.dumps({
            "executable": chromium,
            "map": ["app.example.test 127.0.0.1"],
            "page": f"https://app.example.test:{application.tls_port}{path}",
            "waitForConsole": f"page {path} in rgb(1, 2, 3)",
            "fetches": [{"url": "/api/echo"}, {"url": "/nothing"}],
        }), timeout=90)
        assert result["page"] == 200
        echo, nothing = result["fetches"]
        assert echo["status"] == 200 and nothing["status"] == 404
        wrong = [message for message in result["console"] if message["type"] in ("warning", "pageerror")]
        assert wrong == []


# Downloads

def write_large(path, size):
    """A file that tells any cut, swap or repetition: each MiB begins with its number."""
    block = os.urandom(MEBIBYTE - 8)
    with open(path, "wb") as file:
        for number in range(size // MEBIBYTE):
            file.write(number.to_bytes(8, "big") + block)


def test_large_download_that_is_broken_off_and_gone_on_with(start_gateway, root, curl, tmp_path):
    size = 2 * LARGE_BODY  # 1 GiB
    write_large(root / "large.bin", size)
    gateway = start_gateway(serving(root))
    url = f"http://127.0.0.1:{gateway.port}/large.bin"
    target = tmp_path / "got.bin"
    with MemoryWatch(gateway) as watch:
        for part in (1, 2, 3):  # each time a quarter more, then the rest
            begun = target.stat().st_size if target.exists() else 0
            with Connection(gateway.port) as connection, open(target, "ab") as file:
                connection.request("GET", "/large.bin", {"Range": f"bytes={begun}-"}, read=False)
                while b"\r\n\r\n" not in connection.buffer:
                    assert connection.fill()
                head, _, rest = bytes(connection.buffer).partition(b"\r\n\r\n")
                assert b" 206 " in head and f"bytes {begun}-{size - 1}/{size}".encode() in head
                file.write(rest)
                while file.tell() < part * size // 4:
                    connection.buffer = bytearray()
                    assert connection.fill()
                    file.write(connection.buffer)
        subprocess.run([curl, "--silent", "--show-error", "--fail", "--continue-at", "-", "--output", str(target), url],
                       check=True, timeout=patience(120))
    assert target.stat().st_size == size and filecmp.cmp(target, root / "large.bin", shallow=False)
    if not SLOW_BUILD:
        assert watch.growth < 16 * MEBIBYTE
    os.remove(root / "large.bin")
    os.remove(target)


def test_large_download_does_not_keep_others_waiting(start_gateway, root):
    (root / "small.txt").write_bytes(b"small")
    write_large(root / "large.bin", LARGE_BODY)
    gateway = start_gateway(serving(root, workers=1))
    stop = threading.Event()

    def download():
        while not stop.is_set():
            with Connection(gateway.port) as connection:
                connection.request("GET", "/large.bin", {"Connection": "close"}, read=False)
                while not stop.is_set() and connection.fill():
                    connection.buffer = bytearray()

    threads = [threading.Thread(target=download) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with Connection(gateway.port) as connection:
            for _ in range(20):
                assert connection.request("GET", "/small.txt").body == b"small"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    os.remove(root / "large.bin")


def test_descriptors_are_given_back(start_gateway, root):
    write_large(root / "large.bin", 8 * MEBIBYTE)
    gateway = start_gateway(serving(root, workers=1))
    assert fetch(gateway.port, "/large.bin").status == 200
    mark, before = gateway.mark(), gateway.descriptor_count()
    for number in range(20):
        connection = Connection(gateway.port, receive_buffer=4096)
        connection.request("GET", f"/large.bin?{number}", read=False)
        assert connection.fill()
        connection.reset()
        gateway.wait_for("exchange", since=mark, target=f"/large.bin?{number}", cause="client_closed")
    assert fetch(gateway.port, "/none").status == 404
    assert gateway.descriptor_count() <= before + 1


def test_curl_asks_on_conditions(start_gateway, root, curl, tmp_path):
    (root / "page.html").write_text("<p>page</p>")
    os.utime(root / "page.html", (1_700_000_000, 1_700_000_000))
    gateway = start_gateway(serving(root))
    url = f"http://127.0.0.1:{gateway.port}/page.html"
    ask = [curl, "--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}"]
    etags = str(tmp_path / "etag")

    def status(*more):
        return subprocess.run([*ask, *more, url], capture_output=True, text=True, check=True, timeout=patience(20)).stdout

    assert status("--etag-save", etags) == "200"
    assert status("--etag-compare", etags) == "304"
    assert status("--time-cond", "Tue, 14 Nov 2023 22:13:20 GMT") == "304"
    assert status("--time-cond", "Tue, 14 Nov 2023 22:13:19 GMT") == "200"
    assert status("--header", 'If-Match: "other"') == "412"
    (root / "page.html").write_text("<p>changed</p>")
    assert status("--etag-compare", etags) == "200"


def test_deployment_shows_at_once(start_gateway, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "version").write_text(name)
    (tmp_path / "current").symlink_to("one")
    gateway = start_gateway(serving(tmp_path / "current"))
    assert fetch(gateway.port, "/version").body == b"one"
    (tmp_path / "next").symlink_to("two")
    os.replace(tmp_path / "next", tmp_path / "current")
    assert fetch(gateway.port, "/version").body == b"two"


# Variants

def test_variants_beside_a_file(start_gateway, root, curl):
    text = b"let words = 'that repeat';\n" * 500
    (root / "app.js").write_bytes(text)
    (root / "app.js.br").write_bytes(brotli.compress(text))
    (root / "app.js.gz").write_bytes(gzip.compress(text))
    gateway = start_gateway(serving(root, {"precompressed": True}))
    with Connection(gateway.port) as connection:
        for accept, coding, read in (("br, gzip", "br", brotli.decompress), ("gzip", "gzip", gzip.decompress)):
            response = connection.request("GET", "/app.js", {"Accept-Encoding": accept})
            assert response.header("content-encoding") == coding and read(response.body) == text
            assert int(response.header("content-length")) == len(response.body)
            assert response.header("vary") == "Accept-Encoding"
        assert connection.request("GET", "/app.js").body == text
    got = subprocess.run([curl, "--silent", "--fail", "--compressed", f"http://127.0.0.1:{gateway.port}/app.js"],
                         capture_output=True, check=True, timeout=patience(20))
    assert got.stdout == text


# What is never served

TRAVERSALS = [
    "/../secret", "/a/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/%2e%2e%2fsecret", "/..%5csecret", "/..\\secret",
    "/a/..;/../secret", "/.%2e/secret", "/a/%2e%2e/%2e%2e/secret", "/%00/../secret", "/secret%00.txt", "//../secret",
    "/....//secret", "/%252e%252e/secret", "/out", "/outfolder/secret", "/absolute", "/proc/self/environ", "/link/etc/passwd",
    "/.env", "/.git/config", "/%2eenv", "/a/.hidden", "/pipe", "/a", "/a/",
]


@pytest.mark.parametrize("target", TRAVERSALS)
def test_nothing_outside_or_hidden_is_served(start_gateway, tmp_path, root, target):
    (tmp_path / "secret").write_text("secret")
    (root / "a").mkdir()
    (root / ".git").mkdir()
    for name in (".env", ".git/config", "a/.hidden"):
        (root / name).write_text("secret")
    (root / "out").symlink_to("../secret")
    (root / "outfolder").symlink_to("..")
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "link").symlink_to("/")
    (root / "proc").symlink_to("/proc")
    os.mkfifo(root / "pipe")
    gateway = start_gateway(serving(root))
    response = fetch(gateway.port, target)
    assert response.status in (400, 404) and b"secret" not in response.body.replace(target.encode(), b"")
    assert fetch(gateway.port, "/nothing").status == 404  # and the gateway still answers


def test_folder_that_is_not_there_is_a_problem_with_its_place(start_gateway, tmp_path):
    from test_check import check, problems
    path = tmp_path / "site.yaml"
    path.write_text('listeners: [{ address: "127.0.0.1:0" }]\nroutes:\n  - files: ./dist\n  - match: { path: /a }\n    spa: true\n'
                    '    upstream: "http://127.0.0.1:1"\n')
    code, lines = check(path)
    assert code == 1 and [(line, column) for line, column, _ in problems(lines, path)] == [(5, 10)], lines
    path.write_text('listeners: [{ address: "127.0.0.1:0" }]\nroutes:\n  - files: ./dist\n')
    code, lines = check(path)
    found = problems(lines, path)
    assert code == 1 and found[0][:2] == (3, 12) and "dist does not exist" in found[0][2]


# The examples in conf/

def test_example_of_a_static_site(start_gateway, root, site, trust):
    (root / "images").mkdir()
    (root / "index.html").write_bytes(b"<p>words that repeat</p>" * 200)
    (root / "images" / "a.svg").write_bytes(b"<svg/>")
    gateway = start_gateway(example("static_site.yaml", {
        '":443"': '"127.0.0.1:0"', '":80"': '"127.0.0.1:0"', "/srv/www ": f"{root} ",
        "/etc/postern/tls/site.pem": site.certificate, "/etc/postern/tls/site.key": site.key}))
    with Connection(gateway.tls_port, tls=trust) as connection:
        page = connection.request("GET", "/", {"Accept-Encoding": "gzip"}, host="www.example.com")
        assert gzip.decompress(page.body) == b"<p>words that repeat</p>" * 200
        image = connection.request("GET", "/images/a.svg", host="www.example.com")
        assert image.header("cache-control") == "public, max-age=86400"
    assert fetch(gateway.port, "/").status == 308


def test_example_of_an_application_with_its_api(start_gateway, root, site, trust, node_http):
    (root / "index.html").write_text("application")
    gateway = start_gateway(example("spa_with_api.yaml", {
        '":443"': '"127.0.0.1:0"', '":80"': '"127.0.0.1:0"', "/srv/app/dist": str(root),
        '"http://127.0.0.1:3001", "http://127.0.0.1:3002"': f'"{node_http.url}"',
        "/etc/postern/tls/site.pem": site.certificate, "/etc/postern/tls/site.key": site.key}))
    with Connection(gateway.tls_port, tls=trust) as connection:
        assert connection.request("GET", "/orders/7", BROWSER, host="app.example.com").body == b"application"
        assert connection.request("GET", "/assets/none.js", BROWSER, host="app.example.com").status == 404
        assert connection.request("GET", "/api/echo", BROWSER, host="app.example.com").json()["method"] == "GET"
        assert connection.request("GET", "/orders", BROWSER, host="other.example.com").status == 404


def test_folder_is_served_below_a_prefix(start_gateway, root):
    (root / "docs").mkdir()
    (root / "docs" / "index.html").write_text("the docs")
    gateway = start_gateway(serving(root, route={"match": {"path": "/app"}, "rewrite": {"strip_prefix": "/app"}}))
    assert fetch(gateway.port, "/app/docs/?x=1").body == b"the docs"
    assert fetch(gateway.port, "/app/docs/index.html").body == b"the docs"
    moved = fetch(gateway.port, "/app/docs?x=1")
    assert moved.status == 301 and moved.header("location") == "/app/docs/?x=1"  # as the client knows it
    (root / "index.html").write_text("the application")
    moved = fetch(gateway.port, "/app?x=1")  # its relative links would lead to the root
    assert moved.status == 301 and moved.header("location") == "/app/?x=1"
    assert fetch(gateway.port, "/app/").body == b"the application"
    assert fetch(gateway.port, "/docs/index.html").status == 404  # no route
    assert fetch(gateway.port, "/app/../docs/index.html").status in (400, 404)
