#!/usr/bin/env python3
"""Runs the battery against proxies and prints their scores side by side, with the cases that each fails.

  tests/conformance/run.py [--against postern|nginx|haproxy|all] [--only TEXT] [--verbose]

Postern is held to each case's first outcome, its promise; the others pass with any that is safe. A binary is taken
from POSTERN_BINARY or the newest build. nginx and HAProxy are Debian's: scripts/install-dependencies test bench."""

import argparse
import sys
import tempfile
import textwrap

import shared  # noqa: F401
import request_cases
import response_cases
from battery import Battery
from proxies import PROXIES, NotInstalled

CASES = request_cases.CASES + response_cases.CASES
GROUPS = {"requests: " + name: getattr(request_cases, name.upper()) for name in
          ("framing", "lines", "start", "hosts", "paths", "chunks", "connection", "upgrades")}
GROUPS["responses"] = response_cases.RESPONSES
GROUPS["handshakes"] = response_cases.HANDSHAKES


def judge(case, observed, exact):
    """None, or what is wrong with it."""
    problems = [outcome.problem(observed) for outcome in (case.outcomes[:1] if exact else case.outcomes)]
    return None if None in problems else problems[0]


def run_against(name, cases):
    """{case name: problem}"""
    problems = {}
    with tempfile.TemporaryDirectory() as directory, Battery(PROXIES[name], directory, CASES) as battery:
        for case in cases:
            if problem := judge(case, battery.run(case), exact=name == "postern"):
                problems[case.name] = problem
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--against", choices=[*PROXIES, "all"], default="all")
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--verbose", action="store_true", help="say what was wrong with each failed case")
    arguments = parser.parse_args()
    wanted = [case for case in CASES if arguments.only in case.name]
    names = list(PROXIES) if arguments.against == "all" else [arguments.against]
    found = {}
    for name in names:
        try:
            found[name] = run_against(name, wanted)
        except NotInstalled:
            print(f"{name} is not installed: scripts/install-dependencies test bench", file=sys.stderr)
            return 2
    print(f"{'group':24}" + "".join(f"{name:>14}" for name in names))
    for group, members in [*GROUPS.items(), ("all", CASES)]:
        chosen = [case.name for case in members if case in wanted]
        if chosen:
            scores = [f"{sum(case not in found[name] for case in chosen)}/{len(chosen)}" for name in names]
            print(f"{group:24}" + "".join(f"{score:>14}" for score in scores))
    for name in names:
        print(f"\n{name}: {len(found[name])} failed")
        for case, problem in found[name].items():
            print("  " + case)
            if arguments.verbose:
                print(textwrap.indent(textwrap.fill(problem, 110), "      "))
    return 1 if found.get("postern") else 0


if __name__ == "__main__":
    sys.exit(main())
