#!/usr/bin/env python3
"""Small promises about the tree as a whole.

No path of somebody's machine and no package registry's address in any file; nothing left to do in a comment; every
file that a comment or a document names exists; no sleeping in unit tests; a licence; every script can be run. Runs as
a test. Usage: check_tree.py [ROOT]
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

# What names a file of the tree: a path or a bare name with a source's suffix, or a path that begins with a folder of
# the root. Names of users' files (postern.yaml, keys/jwks.json) are neither; what stands around tells patterns
# (decode_*.cpp, unit/<room>/x.cpp) and paths from elsewhere (/etc/x.h) apart.
SOURCE_NAME = r"(?:\w[\w.-]*/)*\w[\w.-]*\.(?:h|cpp|py|mjs|cmake|sh|md)"
BEFORE, AFTER = r"(?<![\w./$@{}~%*<>:=-])", r"(?![\w/*{$<>%(]|\.\w)"
HISTORY = {"packaging/CHANGELOG.md"}  # tells of what was
SLASHED = {".h", ".cpp", ".mjs"}
HASHED = {".py", ".cmake", ".yaml", ".ini", ".service"}
AFTER_SLASHES = re.compile(r"(?<!:)//(.*)$", re.MULTILINE)
AFTER_HASH = re.compile(r"(?<!\S)#(.*)$", re.MULTILINE)
DOCSTRING = re.compile(r'^[ \t]*"""(.*?)"""', re.DOTALL | re.MULTILINE)
INCLUDED = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<([^>]+)>", re.MULTILINE)


def files_of(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            if name != ".git":  # in a linked work tree .git is a file
                yield Path(folder) / name


def prose_of(path, text):
    """Yields (offset, text) for what a reader, and no program, reads in a file."""
    patterns = []
    if path.suffix == ".md":
        yield 0, text
    elif path.suffix in SLASHED:
        patterns = [AFTER_SLASHES]
    elif path.suffix in HASHED or path.name in ("CMakeLists.txt", ".clang-tidy") or text.startswith("#!"):
        patterns = [AFTER_HASH, DOCSTRING]
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield match.start(1), match[1]


class Names:
    """Which names are those of files of the tree at `root`, or of headers that it includes from elsewhere."""

    def __init__(self, root, texts):
        self.root = root
        self.bare = {path.name for path in files_of(root)}
        for path, text in texts.items():
            if path.suffix in SLASHED:
                self.bare.update(name.rsplit("/", 1)[-1] for name in INCLUDED.findall(text))
        folders = [re.escape(path.name) for path in root.iterdir() if path.is_dir() and path.name not in SKIPPED]
        below = r"|(?:" + "|".join(folders) + r")(?:/[\w.-]*[\w-])+" if folders else ""
        self.pattern = re.compile(f"{BEFORE}(?:{SOURCE_NAME}{below}){AFTER}")

    def is_known(self, name, folder):
        if "/" not in name:
            return name in self.bare
        if not SKIPPED.isdisjoint(name.split("/")):
            return True  # built or installed
        return any((base / name).exists() for base in (self.root, self.root / "gateway", self.root / "tests", folder))

    def unknown(self, path, text):
        """Yields (line, name) for every name of a file that is nowhere."""
        for begin, prose in prose_of(path, text):
            for match in self.pattern.finditer(prose):
                if not self.is_known(match[0], path.parent):
                    yield text.count("\n", 0, begin + match.start()) + 1, match[0]


def check(root):
    """All problems of the tree at `root`, as "file:line: sentence"."""
    root, problems = Path(root), []
    licence = root / "LICENSE"
    if not licence.is_file() or "MIT License" not in licence.read_text(encoding="utf-8"):
        problems.append("LICENSE:1: the licence is missing")
    texts = {}
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
        texts[path] = text
        rules = EVERYWHERE + (UNIT_TESTS if name.startswith(("tests/unit/", "tests/simulation/")) else [])
        for number, line in enumerate(text.splitlines(), 1):
            problems += [f"{name}:{number}: {sentence}" for pattern, sentence in rules if pattern.search(line)]
    names = Names(root, texts)
    for path, text in texts.items():
        name = path.relative_to(root).as_posix()
        if name not in HISTORY and not name.startswith("tests/fuzz/corpus/"):
            problems += [f"{name}:{number}: names {missing}, and there is no such file"
                         for number, missing in sorted(set(names.unknown(path, text)))]
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
