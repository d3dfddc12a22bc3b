import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def groups():
    """The groups of scripts/install-dependencies, as bash reads them."""
    text = (ROOT / "scripts" / "install-dependencies").read_text(encoding="utf-8")
    declared = re.search(r"^\{\n.*?^\}\n", text, re.DOTALL | re.MULTILINE)[0]
    names = re.findall(r"^\s*(group_\w+)=", declared, re.MULTILINE)
    shown = "\n".join(f'echo {name} "${{{name}[@]}}"' for name in names)
    output = subprocess.run(["bash", "-c", declared + shown], capture_output=True, text=True, check=True).stdout
    return {line.split()[0].removeprefix("group_"): set(line.split()[1:]) for line in output.splitlines()}


class InstallDependencies(unittest.TestCase):
    def test_building_the_gateway_asks_for_nothing_that_tests_alone_need(self):
        for package in ("node-llhttp", "doctest-dev"):
            self.assertNotIn(package, groups()["build"])

    def test_what_builds_the_tests_and_the_fuzz_targets_asks_for_it(self):
        for group in ("test", "fuzz"):
            for package in ("node-llhttp", "doctest-dev"):
                self.assertIn(package, groups()[group])

    def test_gateway_includes_no_header_of_llhttp(self):
        for file in (ROOT / "gateway").rglob("*.[ch]*"):
            self.assertNotRegex(file.read_text(encoding="utf-8"), r"#include.*llhttp", str(file))


if __name__ == "__main__":
    unittest.main()
