"""What scripts/figures counts in a class."""

import importlib.machinery
import importlib.util
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "figures"
_loader = importlib.machinery.SourceFileLoader("figures", str(SCRIPT))
figures = importlib.util.module_from_spec(importlib.util.spec_from_loader("figures", _loader))
_loader.exec_module(figures)


class Shape(unittest.TestCase):
    def shape(self, body):
        return figures.shape(body)

    def test_methods_members_and_booleans_are_counted(self):
        self.assertEqual(self.shape("""
            Tunnel(Set& set, int limit = 3);
            ~Tunnel();
            bool over() const { return over_; }
            base::Task<Result<void>> run();
            std::function<void(int)> callback_;
            std::map<int, std::pair<int, bool>> seen_{};
            bool over_ = false;
            bool closing_{false};
        """), (4, 4, 2, 0))

    def test_what_declares_nothing_of_its_own_is_not(self):
        self.assertEqual(self.shape("""
            using Base::Base;
            friend class Set;
            Tunnel(const Tunnel&) = delete;
            Tunnel& operator=(const Tunnel&) = delete;
            Tunnel() = default;
            static constexpr int most = 3;
            enum class Kind { a, b };
            struct Nested { int a; void f(); };
            class Forward;
        """), (0, 0, 0, 0))

    def test_bodies_of_functions_are_skipped(self):
        self.assertEqual(self.shape("""
            void each() { for (int i = 0; i < 3; ++i) { use(i); } }
            int last_ = 0;
        """), (1, 1, 0, 0))

    def test_methods_of_an_interface_are_told_apart(self):
        self.assertEqual(self.shape("""
            bool is_ending() const override { return over_; }
            void leave(bool stopping) override;
            void close();
        """), (3, 0, 0, 2))


class Tree(unittest.TestCase):
    def test_this_tree_has_figures(self):
        self.assertIn("base", [one["module"] for one in figures.modules(figures.ROOT)])
        found = {one["class"]: one for one in figures.classes(figures.ROOT)}
        self.assertGreater(found["Channel"]["methods"], 3)

    def test_each_large_class_has_a_reason_and_no_other_class(self):
        large = {one["class"] for one in figures.classes(figures.ROOT)
                 if one["methods"] > figures.METHODS_MAX or one["members"] > figures.MEMBERS_MAX}
        self.assertEqual(large, set(figures.REASONS))


if __name__ == "__main__":
    unittest.main()
