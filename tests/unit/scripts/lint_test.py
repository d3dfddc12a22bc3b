import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# In place of the real programs: a file that holds the word "wrong" has a finding, and each file that is read is noted.
CLANG_TIDY = """#!/bin/bash
file=${!#}
[[ $1 == --version ]] && exit 0
echo "$* " >>read.txt
if grep -q wrong "$file" "${file%.cpp}.h" 2>/dev/null; then echo "$PWD/$file:1:1: error: wrong"; exit 1; fi
"""
# Preprocesses as far as it matters here: the text of the file and of its header.
CLANG = """#!/bin/bash
for word in "$@"; do [[ $word == *.cpp ]] && file=$word; done
cat "$file" "${file%.cpp}.h" 2>/dev/null
"""


class Lint(unittest.TestCase):
    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix="postern-lint-"))
        self.addCleanup(shutil.rmtree, self.tree)
        (self.tree / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "lint", self.tree / "scripts" / "lint")
        (self.tree / ".clang-tidy").write_text("Checks: '-*'\n")
        (self.tree / ".gitignore").write_text("/build/\n/programs/\nread.txt\n")
        for name, text in (("clang-tidy", CLANG_TIDY), ("clang++", CLANG), ("cmake", "#!/bin/bash\n")):
            program = self.tree / "programs" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(text)
            program.chmod(0o755)
        for name in ("gateway/base/one", "gateway/base/two", "tests/unit/base/one_test"):
            self.write(name + ".cpp", "int number;\n")
        self.write("gateway/base/one.h", "// one\n")
        self.write("gateway/base/alone.h", "// alone\n")
        self.write("gateway/base/two.cpp", '#include "base/alone.h"\n')
        commands = [{"directory": str(self.tree), "file": str(file), "command": f"clang++ -o x.o -c {file}"}
                    for file in sorted(self.tree.rglob("*.cpp"))]
        (self.tree / "build" / "clang").mkdir(parents=True)
        (self.tree / "build" / "clang" / "compile_commands.json").write_text(json.dumps(commands))
        self.git("init", "-q")
        self.commit()

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *words):
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=self.tree, check=True, capture_output=True)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def lint(self, *words, code=0):
        environment = dict(os.environ, PATH=f"{self.tree / 'programs'}:{os.environ['PATH']}")
        (self.tree / "read.txt").write_text("")
        done = subprocess.run(["scripts/lint", *words], cwd=self.tree, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.read = {line.split()[-1] for line in (self.tree / "read.txt").read_text().splitlines()}
        self.output = done.stdout
        return done.stdout.splitlines()[-1]

    def test_all_reads_every_source(self):
        self.assertEqual(self.lint("--all"), "lint: 3 files clean, 0 with findings")
        self.assertEqual(self.read, {"gateway/base/one.cpp", "gateway/base/two.cpp", "tests/unit/base/one_test.cpp"})

    def test_what_changed_in_the_last_commit_and_since_is_read(self):
        self.write("gateway/base/two.cpp", "int changed;\n")
        self.commit()
        self.write("tests/unit/base/one_test.cpp", "int changed;\n")
        self.lint()
        self.assertEqual(self.read, {"gateway/base/two.cpp", "tests/unit/base/one_test.cpp"})

    def test_a_release_tag_is_the_base(self):
        self.git("tag", "v1.0.0")
        for name in ("one", "two"):
            self.write(f"gateway/base/{name}.cpp", "int changed;\n")
            self.commit()
        self.lint()
        self.assertEqual(self.read, {"gateway/base/one.cpp", "gateway/base/two.cpp"})
        self.lint("--base", "HEAD")
        self.assertEqual(self.read, set())

    def test_a_header_is_read_through_its_source_or_the_first_that_includes_it(self):
        self.write("gateway/base/one.h", "// changed\n")
        self.write("gateway/base/alone.h", "// changed\n")
        self.lint("--base", "HEAD")
        self.assertEqual(self.read, {"gateway/base/one.cpp", "gateway/base/two.cpp"})

    def test_a_finding_is_shown_and_ends_badly_each_time(self):
        self.write("gateway/base/one.cpp", "int wrong;\n")
        for _ in range(2):
            self.assertEqual(self.lint("--base", "HEAD", code=1), "lint: 0 files clean, 1 with findings")
            self.assertIn("\ngateway/base/one.cpp:1:1: error: wrong\n", self.output)

    def test_a_clean_file_is_remembered_until_its_text_or_the_checks_change(self):
        self.lint("--all")
        self.assertEqual(self.lint("--all"), "lint: 3 files clean, 0 with findings")
        self.assertEqual(self.read, set())
        self.write("gateway/base/one.h", "// changed\n")
        self.lint("--all")
        self.assertEqual(self.read, {"gateway/base/one.cpp"})
        (self.tree / ".clang-tidy").write_text("Checks: '*'\n")
        self.lint("gateway/base/two.cpp")
        self.assertEqual(self.read, {"gateway/base/two.cpp"})

    def test_past_the_limit_of_time_nothing_is_read_and_the_summary_says_so(self):
        self.assertEqual(self.lint("--all", "--seconds", "0"),
                         "lint: 0 files clean, 0 with findings, 3 not read within --seconds")

    def test_tests_are_read_for_warnings_of_the_compiler_only(self):
        self.lint("--all")
        self.write("gateway/base/two.cpp", "int two;\n")
        self.write("tests/unit/base/one_test.cpp", "int two;\n")
        self.lint("--base", "HEAD")
        options = {line.split()[-1]: line for line in (self.tree / "read.txt").read_text().splitlines()}
        self.assertIn("--checks=-*,clang-diagnostic-*", options["tests/unit/base/one_test.cpp"])
        self.assertNotIn("--checks", options["gateway/base/two.cpp"])

    def test_a_base_that_is_no_revision_is_refused(self):
        environment = dict(os.environ, PATH=f"{self.tree / 'programs'}:{os.environ['PATH']}")
        done = subprocess.run(["scripts/lint", "--base", "nothing"], cwd=self.tree, env=environment,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("'nothing' is not a revision", done.stderr)


if __name__ == "__main__":
    unittest.main()
