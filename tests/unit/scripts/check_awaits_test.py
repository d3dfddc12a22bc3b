import unittest

import support

check_awaits = support.load("check_awaits")

DECLARATIONS = """
enum class Stage : uint8_t { accept };
using Limit = std::chrono::milliseconds;
Task<Result<void>> serve(Scope& scope);
class Exchange { Task<Outcome> run(); };
"""


class CheckAwaits(unittest.TestCase):
    def problems(self, code):
        return check_awaits.check_files({"declarations.h": DECLARATIONS, "sample.cpp": code})

    def in_coroutine(self, body):
        return self.problems("Task<Result<void>> work(Scope& scope, Channel& channel) {\n" + body + "\n}\n")

    def assert_accepted(self, body):
        self.assertEqual(self.in_coroutine(body), [])

    def assert_refused(self, body, words):
        found = self.in_coroutine(body)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])
        self.assertRegex(found[0], r"^sample\.cpp:\d+: ")

    def test_named_tasks_and_leaf_waits_pass(self):
        for body in [
            "Task<Result<void>> serving = serve(scope);\nResult<void> served = co_await serving;",
            "Result<Chunk> chunk = co_await channel.read(scope);",
            "const auto head = co_await stream->response().take(scope);",
            "co_await channel.room(scope);",
            "co_await signal_.wait(scope);",
            "result_ = co_await attempts[i].take(scope);",
            "auto [a, b] = co_await pair_task;",
            "[[maybe_unused]] auto r = co_await task_;",
            "if (ready) co_await channel.room(scope);",
            "for (auto& slot : slots) co_await slot.take(scope);",
            "if (a) {\n} else co_await task;",
            "switch (kind) { case Kind::one: co_await task; break; default: break; }",
            "while (more()) { auto x = co_await channel.read(scope); use(x); }",
            "auto late = co_await timer.until(scope, clock.now() + limit);",
        ]:
            with self.subTest(body=body):
                self.assert_accepted(body)

    def test_headers_are_refused(self):
        self.assert_refused("switch (co_await task) { default: break; }", "header of switch")
        self.assert_refused("if (co_await task) go();", "header of if")
        self.assert_refused("if (auto r = co_await task; r) go();", "header of if")
        self.assert_refused("while (co_await task) go();", "header of while")
        self.assert_refused("for (auto x : co_await task) go();", "header of for")

    def test_larger_expressions_are_refused(self):
        for body in [
            "use(co_await task);",
            "auto n = (co_await task).size();",
            "auto n = 1 + co_await task;",
            "auto n = co_await task + 1;",
            "bool ok = !co_await task;",
            "auto n = flag ? co_await a : 0;",
            "Pair pair{co_await task};",
            "Pair pair{co_await task, 2};",
            "auto n = static_cast<int>(co_await task);",
            "a = b = co_await task;",
            "auto x = items[co_await task];",
        ]:
            with self.subTest(body=body):
                self.assertEqual(len(self.in_coroutine(body)), 1)

    def test_returning_an_await_is_refused(self):
        self.assert_refused("co_return co_await task;", "inside co_return")

    def test_a_task_must_be_named(self):
        self.assert_refused("auto r = co_await serve(scope);", "serve() returns a task")
        self.assert_refused("co_await exchange.run();", "run() returns a task")
        self.assert_refused("co_await std::move(task);", "without std::move")

    def test_temporaries_in_the_awaited_expression_are_refused(self):
        self.assert_refused("auto r = co_await connect.begin(scope, Options{.tries = 2});", "braces")
        self.assert_refused("auto r = co_await slot.take_if(scope, [&] { return true; });", "")
        self.assert_refused("auto r = co_await slot.take_if(scope, [limit](int n) { return n < limit; });", "")
        self.assert_refused("auto r = co_await Delay{scope, 5};", "braces")
        self.assert_refused("auto r = co_await find(name).take(scope);", "only the last call")

    def test_a_lambda_coroutine_is_refused(self):
        for body in [
            "auto f = [&]() -> Task<int> { co_return 1; };",
            "auto f = [this] { co_return; };",
            "run([x](int y) mutable noexcept -> Task<int> { auto r = co_await x; co_return y; });",
            "auto f = []<class T>(T& t) -> Task<int> { co_return t.size(); };",
        ]:
            with self.subTest(body=body):
                self.assertTrue(any("lambda is a coroutine" in line for line in self.in_coroutine(body)))

    def test_a_plain_lambda_passes(self):
        self.assert_accepted("auto f = [&](int n) { return n + 1; };\nint x[3] = {1, 2, 3};\nx[0] = f(x[1]);")

    def test_comments_and_strings_do_not_count(self):
        self.assert_accepted('// if (co_await x)\n/* switch (co_await x) */\nlog("use(co_await x)");\n'
                             'log(R"(if (co_await x))");\nchar c = \'"\'; int n = 1\'000;')

    def test_owning_parameters_are_refused(self):
        for parameters, owned in [
            ("Scope& scope, std::string name", "std::string"),
            ("std::vector<int> numbers", "std::vector"),
            ("std::unique_ptr<Transport> transport", "std::unique_ptr"),
            ("const Options options", "Options"),
            ("http::RequestHead head, Scope& scope", "http::RequestHead"),
            ("std::function<void(int, int)> callback", "std::function"),
            ("std::optional<std::string> name = {}", "std::optional"),
            ("std::string", "std::string"),
        ]:
            with self.subTest(parameters=parameters):
                found = self.problems(f"base::Task<Result<int>> Dialer::dial({parameters});")
                self.assertEqual(len(found), 1, found)
                self.assertIn(f"coroutine dial takes {owned} by value", found[0])

    def test_harmless_parameters_pass(self):
        for parameters in ["", "Scope& scope, const std::string& name", "std::string_view name, uint16_t port",
                           "std::span<const std::byte> bytes", "Transport* transport", "Stage stage, Limit limit",
                           "std::unique_ptr<Transport>& transport", "std::chrono::milliseconds limit = {}",
                           "const bool flag, unsigned int n", "Task<Result<T>> followed"]:
            with self.subTest(parameters=parameters):
                self.assertEqual(self.problems(f"Task<Result<int>> Dialer::dial({parameters});"), [])

    def test_the_line_is_the_co_awaits_line(self):
        found = self.in_coroutine("int a = 1;\n\n/* two\nlines */ use(co_await task);")
        self.assertTrue(found[0].startswith("sample.cpp:5: "), found)


if __name__ == "__main__":
    unittest.main()
