"""The command line as a person first meets it."""

import os
import re
import socket
import subprocess

import pytest

from raw import fetch
from settings import ROOT, patience, postern_binary


def run(*arguments):
    return subprocess.run([postern_binary(), *arguments], capture_output=True, text=True, check=False, timeout=patience(20))


def test_version_names_itself_and_its_libraries():
    with open(f"{ROOT}/packaging/VERSION", encoding="utf-8") as file:
        version = file.read().strip()
    done = run("version")
    assert done.returncode == 0 and "postern" in done.stdout.lower() and version in done.stdout
    for library in ("OpenSSL", "libuv", "c-ares", "zlib", "brotli", "zstd"):
        assert re.search(library + r" \d+\.\d+\.\d+", done.stdout), library


def test_help_lists_the_commands():
    done = run("--help")
    assert done.returncode == 0 and done.stderr == ""
    for command in ("run", "check", "version"):
        assert command in done.stdout


@pytest.mark.parametrize("command", ["run", "check", "version"])
def test_each_command_has_help(command):
    done = run(command, "--help")
    assert done.returncode == 0 and "postern" in done.stdout.lower()


WRONG = [[], ["nonsense"], ["run"], ["check"], ["run", "--nonsense"], ["check", "a", "b"]]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_use_is_said_and_is_not_0(arguments):
    done = run(*arguments)
    assert done.returncode != 0 and done.stdout + done.stderr != ""


def test_misspelt_command_is_guessed():
    done = run("chek", "x.yaml")
    assert done.returncode == 2
    assert done.stderr == 'postern: there is no command "chek"; did you mean "check"? (postern --help lists them)\n'


def test_configuration_may_come_through_a_pipe_but_is_not_waited_for_without_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = run("check", str(pipe))  # nobody writes into it
    assert done.returncode == 1 and "the file is empty" in done.stdout
    done = subprocess.run(["bash", "-c", '"$0" check <(cat "$1/conf/minimal.yaml")', postern_binary(), ROOT],
                          capture_output=True, text=True, check=False, timeout=patience(20))
    assert done.returncode == 0, done.stdout + done.stderr


def test_colour_stays_out_of_pipes(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("nonsense: 1\n")
    assert "\x1b" not in run("check", str(path)).stderr + run("check", str(path)).stdout + run("--help").stdout


def test_run_without_a_file_that_exists_is_2(tmp_path):
    done = run("run", str(tmp_path / "missing.yaml"))
    assert done.returncode == 2 and "missing.yaml" in done.stdout + done.stderr


def test_port_in_use_is_said_by_name(tmp_path):
    import socket
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path = tmp_path / "site.yaml"
        path.write_text(f"listeners: [{{address: '127.0.0.1:{port}'}}]\nupstreams: {{a: {{endpoints: ['http://127.0.0.1:1']}}}}\n"
                        "routes: [{upstream: a}]\n")
        done = run("run", str(path))
    assert done.returncode != 0 and str(port) in done.stdout + done.stderr


def test_port_that_is_taken_ends_the_start_in_good_order(tmp_path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as another gateway would hold it
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = tmp_path / "taken.yaml"
        config.write_text(f'listeners: [{{address: "127.0.0.1:{taken.getsockname()[1]}"}}]\n'
                          'routes: [{upstream: "http://127.0.0.1:1"}]\n', encoding="utf-8")
        ended = run("run", str(config))
    assert ended.returncode == 1 and "in use" in ended.stdout, ended


def test_demonstration_needs_no_secret(start_gateway):
    gateway = start_gateway({"routes": [{"upstream": "demo:"}]})
    assert run("check", gateway.path).returncode == 0
    assert fetch(gateway.port).status == 200
