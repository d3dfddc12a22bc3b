// The main of the simulation. Where the run is with the multiplexed protocol, it leaves out the cases of
// only_http1.h, and says which and why.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <set>
#include <string>

#include "simulation/only_http1.h"
#include "support/proxy_fixture.h"

namespace {

// Remembers which cases were left out, because a name that no case has any more is a mistake in the list.
struct LeftOut final : doctest::IReporter {
  explicit LeftOut(const doctest::ContextOptions&) {}
  static std::set<std::string>& names() {
    static std::set<std::string> skipped;
    return skipped;
  }
  void test_case_skipped(const doctest::TestCaseData& skipped) override { names().insert(skipped.m_name); }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
};

// doctest separates patterns with commas, unless they are escaped.
std::string pattern_of(const std::string& name) {
  std::string pattern;
  for (const char character : name) {
    if (character == ',' || character == '\\') pattern += '\\';
    pattern += character;
  }
  return pattern;
}

}  // namespace

DOCTEST_REGISTER_LISTENER("left_out", 1, LeftOut);

int main(int argc, char** argv) {
  using namespace postern::support;
  doctest::Context context(argc, argv);
  const bool multiplexed = protocol_of_run() == Protocol::multiplexed;
  if (multiplexed)
    for (const OnlyHttp1& one : only_http1)
      context.addFilter("test-case-exclude", pattern_of(one.name).c_str());
  const int result = context.run();
  if (!multiplexed || context.shouldExit()) return result;
  bool right = true;
  std::printf("run with HTTP/1.1 only:\n");
  for (const OnlyHttp1& one : only_http1) {
    std::printf("  %s\n      %s\n", one.name, one.reason);
    if (LeftOut::names().count(one.name) != 0) continue;
    std::printf("      ERROR: no case has this name\n");
    right = false;
  }
  std::printf("%zu cases are run with HTTP/1.1 only\n", std::size(only_http1));
  return right ? result : 1;
}
