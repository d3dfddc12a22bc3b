"""The log itself: its forms, where it goes, and what one line of it says."""

import json
import re
import resource
import signal
import subprocess
import time

from configs import simple
from log_file import read_log
from raw import fetch
from settings import patience, postern_binary


def test_exchange_line_says_who_what_where_and_how_long(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    response = fetch(gateway.port, "POST", "/echo?a=1&password=hunter2", body=b"x" * 1000, host="app.example.test")
    line = gateway.exchange(response)
    assert line["method"] == "POST" and line["host"] == "app.example.test" and line["route"] == "all"
    assert line["upstream"] == "api" and str(node_http.port) in line["endpoint"] and line["status"] == 200
    assert line["request_bytes"] == 1000 and line["response_bytes"] == len(response.body)
    assert line["client"].startswith("127.0.0.1") and line["duration_ms"] >= 0 and line["cause"] is None
    assert line["target"].startswith("/echo?a=1&password=") and "hunter2" not in line["target"]


def test_control_bytes_never_reach_the_log_as_such(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    response = fetch(gateway.port, target="/echo", headers={"Origin": "https://x\x1b[31m"}, host='a"b')
    assert response.status in (200, 400)
    gateway.exchange(response)
    assert not any("\x1b" in line for line in gateway.raw_lines)


def test_access_log_can_be_off(start_gateway, node_http):
    gateway = start_gateway(simple(node_http, log={"access": False}))
    assert fetch(gateway.port, target="/echo").status == 200
    gateway.stop()
    assert gateway.find("exchange") == [] and gateway.find("stopped")


def test_log_goes_to_a_file_that_is_opened_again(start_logging_to, node_http, tmp_path):
    path, rotated = tmp_path / "postern.log", tmp_path / "postern.log.1"
    process, port = start_logging_to(path, simple(node_http, log={"output": str(path)}))
    fetch(port, target="/one")
    read_log(path, '"/one"')
    path.rename(rotated)
    fetch(port, target="/two")
    read_log(rotated, '"/two"')  # until it is told, it writes where it did
    process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + patience(10)
    while not path.exists():
        assert time.monotonic() < deadline, "the file was not opened again"
        fetch(port, target="/between")
    fetch(port, target="/three")
    read_log(path, '"/three"')
    assert '"/three"' not in rotated.read_text(encoding="utf-8")


def test_file_that_may_not_grow_is_said_and_survived(start_logging_to, node_http, tmp_path):
    path = tmp_path / "postern.log"
    process, port = start_logging_to(path, simple(node_http, log={"output": str(path)}))
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    assert fetch(port, target="/kept").status == 200
    assert process.stderr.readline().decode() == (
        f"postern: the log {path} cannot be written (File too large); its lines wait, and those that find no room are lost\n")
    assert fetch(port, target="/kept").status == 200 and process.poll() is None
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    fetch(port, target="/later")
    lines = read_log(path, '"/later"')
    assert sum('"/kept"' in line for line in lines) == 2 and all(json.loads(line) for line in lines)


def test_full_disk_behind_the_standard_output_is_said_and_survived(tmp_path):
    file = tmp_path / "postern.yaml"
    file.write_text('listeners: [{ address: "127.0.0.1:0" }]\nroutes: [{ respond: { status: 204 } }]\n', encoding="utf-8")
    with open("/dev/full", "wb") as full, subprocess.Popen(
            [postern_binary(), "run", str(file)], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE) as process:
        assert process.stderr.readline().decode() == (
            "postern: the log on the standard output cannot be written (No space left on device); its lines wait, and those "
            "that find no room are lost\n")
        process.terminate()
        assert process.wait(patience(20)) == 0


def test_text_form_is_one_line_for_people(start_logging_to, node_http, tmp_path):
    path = tmp_path / "text.log"
    _, port = start_logging_to(path, simple(node_http, log={"output": str(path), "format": "text"}))
    identity = fetch(port, target="/echo?x").header("x-request-id")
    line = next(line for line in read_log(path, identity) if identity in line)
    assert "/echo?x" in line and "200" in line and re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) and not line.startswith("{")


def test_reload_moves_the_log_and_changes_its_level(start_gateway, node_http, tmp_path):
    path = tmp_path / "later.log"

    def config(**log):
        return simple(node_http, log=log)

    gateway = start_gateway(config())
    failed = gateway.reload(config(output=str(tmp_path / "missing" / "x.log")), expect="reload_failed")
    assert "log.output" in failed["problem"] and "missing" in failed["problem"]
    gateway.reload(config(format="text"))
    assert gateway.find("restart_needed", key="log.format")  # told on the output of before

    gateway.configure(config(output=str(path), level="warn"))
    gateway.signal(signal.SIGHUP)
    deadline = time.monotonic() + patience(10)
    while not path.exists() or '"/one"' not in path.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, "the log did not move"
        fetch(gateway.port, target="/one")
    gateway.configure(config(output=str(path), level="info"))
    gateway.signal(signal.SIGHUP)
    lines = read_log(path, '"reloaded"')
    assert [json.loads(line)["version"] for line in lines if '"reloaded"' in line] == [4]  # the third was not told

    gateway.reload(config())
    fetch(gateway.port, target="/two")
    gateway.wait_for("exchange", target="/two")
    assert '"/two"' not in path.read_text(encoding="utf-8")
