#include "base/error.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "base/result.h"

namespace {

using namespace postern::base;

bool is_label(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
  return true;
}

bool is_sentence(std::string_view text) {
  return text.size() > 10 && text.front() >= 'A' && text.front() <= 'Z' && text.back() == '.' &&
         text.find("  ") == text.npos;
}

}  // namespace

TEST_CASE("error table: every cause has its own row, label, meaning and remedy") {
  std::set<std::string_view> labels;
  std::set<std::string_view> meanings;
  for (int i = 0; i < cause_count; ++i) {
    const auto cause = static_cast<Cause>(i);
    const ErrorTraits& row = traits(cause);
    CAPTURE(std::string(row.label));
    CHECK(row.cause == cause);
    CHECK(is_label(row.label));
    CHECK(is_sentence(row.meaning));
    CHECK(is_sentence(row.remedy));
    CHECK(labels.insert(row.label).second);
    CHECK(meanings.insert(row.meaning).second);
  }
}

TEST_CASE("error table: the status fits who is to blame") {
  for (int i = 0; i < cause_count; ++i) {
    const ErrorTraits& row = traits(static_cast<Cause>(i));
    CAPTURE(std::string(row.label));
    CHECK(row.status >= 400);
    CHECK(row.status <= 599);
    if (row.fault == Side::upstream) CHECK((row.status == 502 || row.status == 504));
    if (row.fault == Side::client) CHECK((row.status < 500 || row.cause == Cause::unsupported_version));
    if (row.fault == Side::gateway) CHECK(row.status >= 500);
  }
}

TEST_CASE("error table: only an endpoint's failures, or ours to reach one, may be tried again") {
  for (int i = 0; i < cause_count; ++i) {
    const ErrorTraits& row = traits(static_cast<Cause>(i));
    CAPTURE(std::string(row.label));
    if (row.fault == Side::client) CHECK(row.retry == Retry::never);
  }
  CHECK(traits(Cause::upstream_refused).retry != Retry::never);
  CHECK(traits(Cause::upstream_closed).retry != Retry::never);
  CHECK(traits(Cause::internal).retry == Retry::never);
}

TEST_CASE("error table: stages and sides have unique labels") {
  std::set<std::string_view> labels;
  for (int i = 0; i < stage_count; ++i) {
    CHECK(is_label(label(static_cast<Stage>(i))));
    CHECK(labels.insert(label(static_cast<Stage>(i))).second);
  }
  labels.clear();
  for (const Side side : {Side::client, Side::upstream, Side::gateway}) {
    CHECK(is_label(label(side)));
    CHECK(labels.insert(label(side)).second);
  }
}

TEST_CASE("error: it is two bytes and travels by value") {
  CHECK(sizeof(Error) == 2);
  const Result<int> failed = fail(Cause::overloaded, Stage::connect);
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == Error{Cause::overloaded, Stage::connect});
  CHECK_FALSE(failed.error() == Error{Cause::overloaded, Stage::accept});
}
