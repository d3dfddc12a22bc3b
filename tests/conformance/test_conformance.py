"""Every case of the battery against Postern, and every reported one, each as a test: its promise, exactly, and the line
in its log."""

import pytest

import shared  # noqa: F401
import reported_cases
from battery import Battery
from proxies import Postern, TrustingPostern
from raw import Connection
from run import CASES, judge


@pytest.fixture(scope="module")
def battery(tmp_path_factory):
    with Battery(Postern, tmp_path_factory.mktemp("conformance"), CASES) as running:
        yield running


@pytest.fixture(scope="module")
def trusting(tmp_path_factory):
    with Battery(TrustingPostern, tmp_path_factory.mktemp("reported"), reported_cases.CASES) as running:
        yield running


def test_cases_have_names_and_paths_of_their_own():
    cases = CASES + reported_cases.CASES
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    paths = [case.path for case in cases if case.answer is not None]
    assert len(set(paths)) == len(paths)
    assert {name for members in reported_cases.BATTERY.values() for name in members} | set(LOGGED) <= set(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(battery, case):
    gateway = battery.proxy.gateway
    mark = gateway.mark()
    observed = battery.run(case)
    problem = judge(case, observed, exact=True)
    assert problem is None, problem
    label = case.outcomes[0].label
    if label.startswith("refused"):
        line = assert_logged(gateway, mark, "client", status=observed.responses[0].status)
        if line["stage"] == "request_head" and line["detail"] not in NO_BYTES:
            assert 0 < len(line["offending"]) <= 4 * 64 + 8 and line["offending"].isprintable(), line
    if label == "cut" and not case.finish:
        assert_logged(gateway, mark, "client", cause=lambda cause: cause != "client_closed")
    if label == "bad gateway":
        assert_logged(gateway, mark, "upstream", status=502)
    if label == "cut short":
        assert_logged(gateway, mark, "upstream")


def names_the_refusal(failed_attempts):
    return [one["cause"] for one in failed_attempts] == ["upstream_refused"]


# What the line of a reported case must say beside its answer.
LOGGED = {"an address with a port": {"client": "203.0.113.9"}, "an IPv6 address with a port": {"client": "2001:db8::1"},
          "an IPv6 address in quotes": {"client": "2001:db8::1"},
          "an endpoint that is the proxy itself": {"cause": "loop", "status": 508},
          "an endpoint that is gone, and another": {"attempts": 2, "status": 200, "failed_attempts": names_the_refusal}}


@pytest.mark.parametrize("case", reported_cases.CASES, ids=lambda case: case.name)
def test_reported_case(trusting, case):
    gateway = trusting.proxy.gateway
    mark = gateway.mark()
    problem = judge(case, trusting.run(case), exact=True)
    assert problem is None, problem
    if fields := LOGGED.get(case.name):
        gateway.wait_for("exchange", since=mark, **fields)


# Refusals for what did not come.
NO_BYTES = ("empty lines instead of a start line",)


def assert_logged(gateway, mark, fault, **fields):
    """What failed is told, with whose fault it was and why."""
    return gateway.wait_for("exchange", since=mark, fault=fault, detail=bool, **fields)


def test_refused_bytes_are_logged_without_secrets(battery):
    gateway = battery.proxy.gateway
    mark = gateway.mark()
    with Connection(gateway.port) as connection:
        connection.send(b"GET /victim?token=hush HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer hush\x1b[2J\r\n\r\n")
        assert b"hush" not in connection.read_to_end()
    line = gateway.wait_for("exchange", since=mark, cause="bad_request")
    assert line["offending"] == "Authorization:***\\x1b"
    assert not any("hush" in text or "\x1b" in text for text in gateway.raw_lines[mark:])


def test_refused_bytes_of_a_response_are_logged(battery):
    gateway = battery.proxy.gateway
    mark = gateway.mark()
    case = next(case for case in CASES if case.name == "answer: length with sign")
    battery.run(case)
    line = gateway.wait_for("exchange", since=mark, cause="upstream_bad_response")
    assert line["offending"] == "Content-Length: +5"
