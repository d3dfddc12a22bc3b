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
from dataclasses import replace

import shared  # noqa: F401
import reported_cases
import request_cases
import response_cases
from battery import Battery
from proxies import PROXIES, TRUSTING, NotInstalled

CASES = request_cases.CASES + response_cases.CASES
GROUPS = {"requests: " + name: getattr(request_cases, name.upper()) for name in
          ("framing", "lines", "start", "hosts", "paths", "chunks", "connection", "upgrades")}
GROUPS["responses"] = response_cases.RESPONSES
GROUPS["handshakes"] = response_cases.HANDSHAKES


def verdict(case, observed):
    """In a word or two: what a proxy did with it, and whether that is what a user needs."""
    promise = case.outcomes[0]
    if promise.problem(observed) is None:
        return "right"
    if promise.check and replace(promise, check=None).problem(observed) is None:
        return promise.check(observed)
    answers = ", ".join(str(one.status) for one in observed.responses) or observed.end
    if observed.arrived and observed.responses and observed.responses[-1].status == 200:
        changed = b" ".join(one.target for one in observed.arrived).decode("latin-1")
        return f"{answers}, sent {changed[:24]}" if case.answer is None else f"{answers}, otherwise"
    return answers


def print_table(names):
    named = {case.name: case for case in CASES}
    groups = {group: [named[name] for name in members] for group, members in reported_cases.BATTERY.items()}
    seen = {name: {} for name in names}
    for proxies, rows in ((PROXIES, groups), (TRUSTING, reported_cases.REPORTED)):
        for name in names:
            for case, observed in observe(proxies[name], [case for members in rows.values() for case in members]):
                seen[name][case.name] = verdict(case, observed)
    groups |= reported_cases.REPORTED
    for group, members in groups.items():
        print(f"\n{group:46}" + "".join(f"{name:36}" for name in names).rstrip())
        for case in members:
            print(f"  {case.name:44}" + "".join(f"{seen[name][case.name]:36}" for name in names).rstrip())
    scores = [f"{sum(word == 'right' for word in words.values())} of {len(words)}" for words in seen.values()]
    print("\n" + f"{'right':46}" + "".join(f"{score:36}" for score in scores).rstrip())
    return 0 if all(word == "right" for word in seen.get("postern", {}).values()) else 1


def judge(case, observed, exact):
    """None, or what is wrong with it."""
    problems = [outcome.problem(observed) for outcome in (case.outcomes[:1] if exact else case.outcomes)]
    return None if None in problems else problems[0]


def observe(proxy, cases):
    """(case, what it showed) for each."""
    with tempfile.TemporaryDirectory() as directory, Battery(proxy, directory, cases) as battery:
        for case in cases:
            yield case, battery.run(case)


def run_against(name, cases):
    """{case name: problem}"""
    problems = {}
    for case, observed in observe(PROXIES[name], cases):
        if problem := judge(case, observed, exact=name == "postern"):
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
