"""Signals: what each of them does to a process that serves, and that none but those that end it end it."""

import os
import signal

import pytest

from configs import simple
from raw import Connection, fetch


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http):
    return start_shared_gateway(simple(node_http))


@pytest.mark.parametrize("number, event", [(signal.SIGUSR1, "log_reopened"), (signal.SIGUSR2, "signal_ignored"),
                                           (signal.SIGHUP, "reloaded")])
def test_a_signal_is_heard_and_said(gateway, number, event):
    with Connection(gateway.port) as connection:
        assert connection.request("GET", "/echo").status == 200
        mark = gateway.mark()
        for _ in range(3):
            os.kill(gateway.pid, number)
        line = gateway.wait_for(event, since=mark)
        if number == signal.SIGUSR2:
            assert line["signal"] == "SIGUSR2" and line["level"] == "warn"
        assert connection.request("GET", "/echo").status == 200  # the connection outlives it
    assert fetch(gateway.port, target="/echo").status == 200


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGWINCH])
def test_a_signal_of_the_system_is_nothing_to_it(gateway, number):
    for _ in range(3):
        os.kill(gateway.pid, number)
    assert fetch(gateway.port, target="/echo").status == 200


def test_sigusr2_does_not_end_one_that_drains(start_gateway, node_http):
    gateway = start_gateway(simple(node_http))
    with Connection(gateway.port) as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert connection.take_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")  # it is with the backend
        mark = gateway.mark()
        os.kill(gateway.pid, signal.SIGTERM)
        gateway.wait_for("draining", since=mark)
        os.kill(gateway.pid, signal.SIGUSR2)
        gateway.wait_for("signal_ignored", since=mark)
        connection.send(b"hello")
        assert connection.read_response("POST").status == 200
