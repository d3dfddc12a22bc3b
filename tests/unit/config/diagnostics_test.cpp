#include "config/diagnostics.h"

#include <doctest/doctest.h>

using namespace postern::config;

TEST_CASE("diagnostics: a problem prints as file, line, column, key and sentence") {
  CHECK(to_text(Problem{Severity::error, "site.yaml", {31, 9}, "routes[2].upstream", "is missing"}) ==
        "site.yaml:31:9 routes[2].upstream: is missing");
  CHECK(to_text(Problem{Severity::warning, "site.yaml", {2, 1}, "via", "odd"}) ==
        "site.yaml:2:1 warning: via: odd");
  CHECK(to_text(Problem{Severity::error, "site.yaml", {2, 1}, "", "not YAML"}) == "site.yaml:2:1 not YAML");
  CHECK(to_text(Problem{Severity::error, "site.yaml", {}, "", "cannot be read"}) ==
        "site.yaml: cannot be read");
}

TEST_CASE("diagnostics: nothing that a terminal would obey is printed") {
  const Problem problem{Severity::error, "a\nb", {1, 1}, "k\x1b[2J", "x\xc2\x9b\x7f"};
  CHECK(to_text(problem) == "a\\x0ab:1:1 k\\x1b[2J: x\\xc2\\x9b\\x7f");
}

TEST_CASE("diagnostics: sorting goes by line, then by column") {
  Diagnostics diagnostics("f");
  diagnostics.error({10, 1}, "c", "third");
  diagnostics.warn({2, 9}, "b", "second");
  diagnostics.error({2, 3}, "a", "first");
  diagnostics.sort();
  CHECK(diagnostics.text() == "f:2:3 a: first\nf:2:9 warning: b: second\nf:10:1 c: third\n");
}

TEST_CASE("diagnostics: warnings are no errors") {
  Diagnostics diagnostics("f");
  CHECK(diagnostics.empty());
  diagnostics.warn({1, 1}, "a", "odd");
  CHECK_FALSE(diagnostics.has_errors());
  CHECK_FALSE(diagnostics.empty());
  diagnostics.error({1, 1}, "a", "bad");
  CHECK(diagnostics.has_errors());
  CHECK(diagnostics.errors() == 1);
}

TEST_CASE("diagnostics: what is beyond the limit is counted and not kept") {
  Diagnostics diagnostics("f");
  for (std::size_t count = 0; count < Diagnostics::max_problems + 5; ++count)
    diagnostics.error({1, 1}, "a", "bad");
  CHECK(diagnostics.full());
  CHECK(diagnostics.problems().size() == Diagnostics::max_problems);
  CHECK(diagnostics.errors() == Diagnostics::max_problems + 5);
  CHECK(diagnostics.text().ends_with("f: 5 further problems are not shown\n"));
}

TEST_CASE("diagnostics: JSON escapes what it must and keeps the place") {
  Diagnostics diagnostics("a\"b");
  diagnostics.error({3, 4}, "key", "tab\tand \xff");
  CHECK(diagnostics.json() ==
        "{\"file\":\"a\\\"b\",\"unreadable\":false,\"errors\":1,\"left_out\":0,\"problems\":[{\"severity\":"
        "\"error\","
        "\"file\":\"a\\\"b\",\"line\":3,\"column\":4,\"key\":\"key\",\"sentence\":\"tab\\tand "
        "\\ufffd\"}]}");
}
