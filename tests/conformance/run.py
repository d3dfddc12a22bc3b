#!/usr/bin/env python3
"""Runs the battery against proxies and prints their scores side by side, with the cases that each fails.

  tests/conformance/run.py [--against postern|nginx|haproxy|all] [--only TEXT] [--verbose]
  tests/conformance/run.py --table      the inputs of public reports, a row each, and what becomes of them

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


# Inputs that people reported of gateways, by the battery's names: what they need, and the cases that show it.
REPORTED = {
    "methods that a parser's table does not have": ["LIST", "QUERY", "an unknown method", "lower case method"],
    "characters in paths": ["a scoped package", "double slashes elsewhere", "a parameter", "bar in the target",
                            "brace in the target", "caret in the target", "a tilde encoded", "a letter encoded",
                            "a percent sign alone", "UTF-8 in the target", "encoded slash", "encoded backslash"],
    "paths that servers read in two ways": ["encoded slash and dot segments", "semicolon and dot segments",
                                            "backslash and dot segments", "encoded dot segments into a prefix",
                                            "a slash encoded twice above the root"],
    "endpoints as they are": ["answer: length and chunked", "answer: two equal lengths", "answer: list of equal lengths",
                              "answer: bare LF everywhere", "answer: padded chunk size", "answer: folded field",
                              "answer: chunked twice"],
    "endpoints that contradict themselves": ["answer: two lengths", "answer: list of lengths"],
}


def verdict(case, observed):
    """In a word or two: what a proxy did with it, and whether that is what a user needs."""
    if case.outcomes[0].problem(observed) is None:
        return "right"
    answers = ", ".join(str(one.status) for one in observed.responses) or observed.end
    if observed.arrived and observed.responses and observed.responses[-1].status == 200:
        changed = b" ".join(one.target for one in observed.arrived).decode("latin-1")
        return f"{answers}, sent {changed[:24]}" if case.answer is None else f"{answers}, otherwise"
    return answers


def print_table(names):
    named = {case.name: case for case in CASES}
    wanted = [named[name] for members in REPORTED.values() for name in members]
    seen = {}
    for name in names:
        with tempfile.TemporaryDirectory() as directory, Battery(PROXIES[name], directory, CASES) as battery:
            seen[name] = {case.name: verdict(case, battery.run(case)) for case in wanted}
    for group, members in REPORTED.items():
        print(f"\n{group:46}" + "".join(f"{name:36}" for name in names))
        for member in members:
            print(f"  {member:44}" + "".join(f"{seen[name][member]:36}" for name in names).rstrip())
    print("\n" + f"{'right':46}" + "".join(
        f"{sum(seen[name][case.name] == 'right' for case in wanted)} of {len(wanted)}".ljust(36) for name in names).rstrip())
    return 0 if all(word == "right" for word in seen.get("postern", {}).values()) else 1


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
    parser.add_argument("--table", action="store_true", help="the inputs of public reports, and what becomes of each")
    arguments = parser.parse_args()
    wanted = [case for case in CASES if arguments.only in case.name]
    names = list(PROXIES) if arguments.against == "all" else [arguments.against]
    if arguments.table:
        return print_table(names)
    found = {}
    for name in names:
        found[name] = run_against(name, wanted)
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
    try:
        sys.exit(main())
    except NotInstalled as missing:
        print(f"{missing} is not installed: scripts/install-dependencies test bench", file=sys.stderr)
        sys.exit(2)
