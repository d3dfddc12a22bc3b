import os
import tempfile
import unittest
from pathlib import Path

import support

check_tree = support.load("check_tree")

LICENCE = {"LICENSE": "MIT License\n"}


SOMEWHERE = "/" + "work/"  # put together here, or this file would break the rule it tests

class CheckTree(unittest.TestCase):
    def problems(self, files, executable=()):
        with tempfile.TemporaryDirectory() as root:
            support.write_tree(root, {**LICENCE, **files})
            for name in executable:
                os.chmod(Path(root) / name, 0o755)
            return check_tree.check(root)

    def assert_refused(self, name, line, words):
        found = self.problems({name: f"first line\n{line}\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{name}:2: ", found[0])
        self.assertIn(words, found[0])

    def test_a_clean_tree_passes(self):
        self.assertEqual(self.problems({"gateway/base/a.h": "// fine\n", "scripts/go": "#!/bin/sh\n"},
                                       executable=["scripts/go"]), [])

    def test_machine_paths_are_refused(self):
        self.assert_refused("gateway/base/a.h", "// see " + SOMEWHERE + "main/notes", "one machine")
        self.assert_refused("README.md", "cd /home/ann/postern", "one machine")
        self.assert_refused("scripts.md", "PATH=/root/bin", "one machine")

    def test_paths_that_only_look_alike_pass(self):
        self.assertEqual(self.problems({"README.md": "https://example.com/home/x ./build" + SOMEWHERE + "x $HOME" + SOMEWHERE + " ${A}/root/\n"}),
                         [])

    def test_registry_addresses_are_refused(self):
        self.assert_refused("package-lock.json", '"resolved": "https://registry.' + 'npmjs.org/ws/-/ws-8.tgz"', "registry")
        self.assert_refused("setup.sh", "curl https://pypi.org/simple", "registry")

    def test_unfinished_work_is_refused(self):
        self.assert_refused("gateway/base/a.h", "// TODO: later", "work left")
        self.assert_refused("tests/unit/base/a_test.cpp", "// FIXME", "work left")

    def test_sleeping_is_refused_in_unit_tests_only(self):
        self.assert_refused("tests/unit/base/a_test.cpp", "std::this_thread::sleep_for(1ms);", "sleeps")
        self.assert_refused("tests/unit/base/a_test.cpp", "sleep(1);", "sleeps")
        self.assertEqual(self.problems({"tests/integration/a.py": "time.sleep(1)\n"}), [])

    def test_a_script_that_cannot_be_run_is_refused(self):
        self.assertEqual(self.problems({"scripts/go": "#!/bin/sh\n"}), ["scripts/go:1: not executable"])
        self.assertEqual(self.problems({".ci/run": "#!/bin/sh\n"}), [".ci/run:1: not executable"])

    def test_a_missing_licence_is_refused(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(check_tree.check(root), ["LICENSE:1: the licence is missing"])

    def test_a_comment_that_names_a_missing_file_is_refused(self):
        for name, line, missing in [
            ("gateway/net/loop.h", "int a;  // see net/poller.cpp", "net/poller.cpp"),
            ("gateway/net/loop.cpp", "// It is what poller.h says.", "poller.h"),
            ("gateway/CMakeLists.txt", "# tests/unit/net/poller_test.cpp fails then", "tests/unit/net/poller_test.cpp"),
            ("tests/page.mjs", "// see page.py.", "page.py"),
            ("tests/page.py", "# gateway/poller names no suffix", "gateway/poller"),
            ("tests/page.py", '"""See tests/other."""', "tests/other"),
            ("README.md", "as [the poller](gateway/net/poller.cpp) does", "gateway/net/poller.cpp"),
            ("gateway/net/loop.h", "// security.md has the list.", "security.md"),
        ]:
            with self.subTest(line=line):
                found = self.problems({name: f"first line\n{line}\n", "tests/x.cpp": "", "gateway/x.cpp": ""})
                self.assertEqual(found, [f"{name}:2: names {missing}, and there is no such file"])

    def test_a_name_counts_from_the_root_the_folders_of_code_and_the_own_folder(self):
        lines = ["gateway/net/loop.h", "net/loop.h", "tests/unit/net/loop_test.cpp", "unit/net/loop_test.cpp", "loop.h",
                 "loop_test.cpp", "net/inner.sh", "tests/unit.", "uv.h"]
        self.assertEqual(self.problems({
            "gateway/net/loop.h": "#include <uv.h>\n" + "".join(f"// {line}\n" for line in lines),
            "tests/unit/net/loop_test.cpp": "// net/loop.h\n",
            "tests/unit/net/inner.sh": "",
            "tests/unit/own.cpp": "// net/inner.sh\n",
        }), ["gateway/net/loop.h:8: names net/inner.sh, and there is no such file"])

    def test_names_of_other_files_and_patterns_of_names_pass(self):
        for line in ["postern.yaml", "keys/jwks.json", "/etc/postern/x.h", "/usr/share/llhttp/api.h", "index.html",
                     "tests/unit/<room>/x.cpp", "decode_*.cpp", "gateway/*/x.h", "keys_<section>.cpp", "build/debug/x.cpp",
                     "https://example.com/a/b.h", "$HOME/x.sh", "${A}/x.py", "tests/node_modules/ws/x.mjs",
                     "--file=x.py", "x.h.in", "--x.h", "gateway/"]:
            with self.subTest(line=line):
                files = {"gateway/base/a.h": f"// {line}\n", "README.md": f"{line}\n", "tests/a.sh": ""}
                self.assertEqual(self.problems(files), [])

    def test_code_and_history_name_what_they_like(self):
        self.assertEqual(self.problems({"gateway/base/a.h": 'auto a = "gateway/base/b.h"; auto c = "http://d.h";\n',
                                        "tests/a.py": 'a = "b.py"\n', "tests/fuzz/corpus/a.md": "b.h\n",
                                        "packaging/CHANGELOG.md": "gateway/base/b.h is gone\n"}), [])

    def test_built_and_installed_folders_are_left_alone(self):
        self.assertEqual(self.problems({"build/debug/a.txt": SOMEWHERE + "main\n",
                                        "tests/integration/node_modules/x/a.js": "// TODO\n"}), [])


if __name__ == "__main__":
    unittest.main()
