"""`postern check`: every mistake at once, with its line, and an exit code to rely on."""

import os
import re
import subprocess

import pytest

from settings import patience, postern_binary

GOOD = """listeners:
  - address: "127.0.0.1:0"
upstreams:
  api:
    endpoints: ["http://127.0.0.1:3001"]
routes:
  - match: { path: / }
    upstream: api
"""

# line → what is wrong with it
SIX = """listeners:
  - address: "127.0.0.1:99999"
upstreams:
  api:
    endpoints: ["http://127.0.0.1:3001"]
    balanse: round_robin
    timeouts: { connect: 5 }
origins:
  app:
    allow: ["app.example.com"]
routes:
  - match: { path: /api }
    upstream: apy
  - match: { path: /other }
    upstream: api
    jwt: nobody
"""
SIX_LINES = [2, 6, 7, 10, 13, 16]


def check(path, environment=None):
    done = subprocess.run([postern_binary(), "check", str(path)], capture_output=True, text=True, check=False,
                          timeout=patience(20), env={**os.environ, "NO_COLOR": "1", **(environment or {})})
    return done.returncode, (done.stdout + done.stderr).splitlines()


def problems(lines, path):
    pattern = re.compile(re.escape(str(path)) + r":(\d+):(\d+):? (.+)")
    return [(int(found[1]), int(found[2]), found[3]) for found in map(pattern.match, lines) if found]


def write(tmp_path, text):
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_good_file_is_0(tmp_path):
    path = write(tmp_path, GOOD)
    code, lines = check(path)
    assert code == 0 and problems(lines, path) == []


def test_six_mistakes_are_six_lines(tmp_path):
    path = write(tmp_path, SIX)
    code, lines = check(path)
    found = problems(lines, path)
    assert code == 1
    assert [line for line, _, _ in found] == SIX_LINES, lines
    assert all(column >= 1 for _, column, _ in found)


def test_misspelt_keys_get_a_suggestion(tmp_path):
    path = write(tmp_path, SIX)
    texts = {line: text for line, _, text in problems(check(path)[1], path)}
    assert "balance" in texts[6] and "api" in texts[13]


@pytest.mark.parametrize("text, line, word", [
    (GOOD.replace("endpoints:", "endpoints: ["), 6, "not YAML"),  # where the missing bracket is missed
    (GOOD + "routes: []\n", 9, "routes"),
    (GOOD.replace("127.0.0.1:3001", "${NOBODY_SET_THIS}"), 5, "NOBODY_SET_THIS"),
    (GOOD + "workers: many\n", 9, "workers"),
    (GOOD + "limits: { head_size: 32 parsecs }\n", 9, "head_size"),
    (GOOD + "origins:\n  app: { allow: ['*'], credentials: true }\n", 10, ""),
    (GOOD + "jwt:\n  main: { secret: short-but-not-too-short-for-hs256-really, algorithms: [none] }\n", 10, "none"),
    (GOOD + "jwt:\n  main: { keys: no-such-file.json, algorithms: [RS256] }\n", 10, "no-such-file.json"),
    (GOOD.replace('"127.0.0.1:0"', '"127.0.0.1:0"\n    tls: { certificate: no.pem, key: no.key }'), 3, "no.pem"),
], ids=["syntax", "duplicate key", "variable", "number", "size", "star with credentials", "alg none", "key file", "certificate"])
def test_mistake_is_found_where_it_is(tmp_path, text, line, word):
    path = write(tmp_path, text)
    code, lines = check(path)
    found = problems(lines, path)
    assert code == 1 and found, lines
    assert line in [at for at, _, _ in found] and any(word in sentence for _, _, sentence in found), lines


def test_variables_and_their_defaults_are_filled_in(tmp_path):
    path = write(tmp_path, GOOD.replace("127.0.0.1:3001", "${HOST:-127.0.0.1}:${PORT_OF_API}"))
    assert check(path, {"PORT_OF_API": "3001"})[0] == 0
    assert check(path, {"PORT_OF_API": "notaport"})[0] == 1


def test_secret_is_never_printed(tmp_path):
    path = write(tmp_path, GOOD + "jwt:\n  main: { secret: '${TOP_SECRET}', algorithms: [HS999] }\n")
    code, lines = check(path, {"TOP_SECRET": "swordfish"})
    assert code == 1 and not any("swordfish" in line for line in lines)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_unreadable_file_is_2(tmp_path, name):
    code, lines = check(tmp_path / name)
    assert code == 2 and lines


def test_run_refuses_what_check_refuses(tmp_path):
    path = write(tmp_path, SIX)
    done = subprocess.run([postern_binary(), "run", str(path)], capture_output=True, text=True, check=False, timeout=patience(20))
    assert done.returncode == 1
    assert [line for line, _, _ in problems((done.stdout + done.stderr).splitlines(), path)] == SIX_LINES
