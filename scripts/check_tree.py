#!/usr/bin/env python3
"""Small promises about the tree as a whole.

No path of somebody's machine and no package registry's address in any file; nothing left to do in a comment; no
sleeping in unit tests; a licence; every script can be run. Runs as a test. Usage: check_tree.py [ROOT]
"""

import os
import re
import sys
from pathlib import Path

SKIPPED = {".git", "build", "run", "node_modules", "__pycache__", ".pytest_cache", ".cache"}
# These hold what they look for.
EXEMPT = {"scripts/check_tree.py", "tests/unit/scripts/check_tree_test.py"}

EVERYWHERE = [
    (re.compile(r"(?<![\w.}$)-])/(?:work|root|workspace|workspaces|Users)/"), "a path of one machine"),
    (re.compile(r"(?<![\w.}$)-])/home/\w"), "a path of one machine"),
    (re.compile(r"https?://[\w.-]*(?:npmjs\.(?:org|com)|yarnpkg\.com|pypi\.org|pythonhosted\.org|crates\.io|"
                r"registry\.[\w.-]+|artifactory|nexus\.|deb\.debian\.org)"), "the address of a package registry"),
    (re.compile(r"\b(?:" + "TO" "DO|FIX" "ME|XX" "X" + r")\b"), "work left in a comment: do it, or make it an issue"),
]
UNIT_TESTS = [
    (re.compile(r"(?<![\w.>])(?:sleep|usleep|nanosleep)\s*\(|\bsleep_(?:for|until)\b|\btime\.sleep\b"),
     "a unit test sleeps: time is a value there"),
]


def files_of(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            if name != ".git":  # in a linked work tree .git is a file
                yield Path(folder) / name


def check(root):
    """All problems of the tree at `root`, as "file:line: sentence"."""
    root, problems = Path(root), []
    licence = root / "LICENSE"
    if not licence.is_file() or "MIT License" not in licence.read_text(encoding="utf-8"):
        problems.append("LICENSE:1: the licence is missing")
    for path in files_of(root):
        name = path.relative_to(root).as_posix()
        if name.startswith(("scripts/", ".ci/")) and not os.access(path, os.X_OK):
            problems.append(f"{name}:1: not executable")
        if name in EXEMPT or path.is_symlink():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary: corpora, images
        rules = EVERYWHERE + (UNIT_TESTS if name.startswith("tests/unit/") else [])
        for number, line in enumerate(text.splitlines(), 1):
            problems += [f"{name}:{number}: {sentence}" for pattern, sentence in rules if pattern.search(line)]
    return problems


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"tree: {len(problems)} problems" if problems else "tree: in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
