"""Every case of the battery against Postern, each as a test: its promise, exactly, and the line in its log."""

import pytest

import shared  # noqa: F401
from battery import Battery
from proxies import Postern
from run import CASES, judge


@pytest.fixture(scope="module")
def battery(tmp_path_factory):
    with Battery(Postern, tmp_path_factory.mktemp("conformance"), CASES) as running:
        yield running


def test_cases_have_names_and_paths_of_their_own():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    paths = [case.path for case in CASES if case.answer is not None]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(battery, case):
    gateway = battery.proxy.gateway
    mark = gateway.mark()
    observed = battery.run(case)
    problem = judge(case, observed, exact=True)
    assert problem is None, problem
    label = case.outcomes[0].label
    if label.startswith("refused"):
        assert_logged(gateway, mark, "client", status=observed.responses[0].status)
    if label == "bad gateway":
        assert_logged(gateway, mark, "upstream", status=502)
    if label == "cut short":
        assert_logged(gateway, mark, "upstream")


def assert_logged(gateway, mark, fault, **fields):
    """What failed is told, with whose fault it was and why."""
    gateway.wait_for("exchange", since=mark, fault=fault, detail=bool, **fields)
