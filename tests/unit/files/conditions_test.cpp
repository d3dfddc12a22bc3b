#include "files/conditions.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace postern;
using namespace postern::files;

namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

// The ETag "\"abc\"", last modified Sun, 06 Nov 1994 08:49:37 GMT.
constexpr int64_t changed = 784111777;
constexpr Validators validators{"\"abc\"", changed};
constexpr int64_t now = changed + 1'000'000;

http::Headers headers_of(const Fields& fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) headers.add(name, value);
  return headers;
}

Condition judged(const Fields& fields) { return evaluate(headers_of(fields), validators, now); }
bool applies(const Fields& fields, int64_t at = now) {
  return range_applies(headers_of(fields), validators, at);
}

constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view then = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view after = "Sun, 06 Nov 1994 08:49:38 GMT";

}  // namespace

TEST_CASE("conditions: each field alone") {
  CHECK(judged({}) == Condition::holds);
  CHECK(judged({{"If-Match", "\"abc\""}}) == Condition::holds);
  CHECK(judged({{"If-Match", "\"x\", \"abc\""}}) == Condition::holds);
  CHECK(judged({{"If-Match", "*"}}) == Condition::holds);
  CHECK(judged({{"If-Match", "W/\"abc\""}}) == Condition::failed);  // strong comparison
  CHECK(judged({{"If-Match", "\"x\""}}) == Condition::failed);
  CHECK(judged({{"If-Match", "abc"}}) == Condition::failed);
  CHECK(judged({{"If-Unmodified-Since", then}}) == Condition::holds);
  CHECK(judged({{"If-Unmodified-Since", after}}) == Condition::holds);
  CHECK(judged({{"If-Unmodified-Since", before}}) == Condition::failed);
  CHECK(judged({{"If-Unmodified-Since", "yesterday"}}) == Condition::holds);
  CHECK(judged({{"If-None-Match", "\"abc\""}}) == Condition::not_modified);
  CHECK(judged({{"If-None-Match", "W/\"abc\""}}) == Condition::not_modified);  // weak comparison
  CHECK(judged({{"if-none-match", "\"a,b\" , \"abc\""}}) == Condition::not_modified);
  CHECK(judged({{"If-None-Match", "*"}}) == Condition::not_modified);
  CHECK(judged({{"If-None-Match", "\"x\""}}) == Condition::holds);
  CHECK(judged({{"If-None-Match", "\"abc"}}) == Condition::holds);
  CHECK(judged({{"If-None-Match", "\"x\""}, {"If-None-Match", "\"abc\""}}) == Condition::not_modified);
  CHECK(judged({{"If-Modified-Since", then}}) == Condition::not_modified);
  CHECK(judged({{"If-Modified-Since", after}}) == Condition::not_modified);
  CHECK(judged({{"If-Modified-Since", before}}) == Condition::holds);
  CHECK(judged({{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}) == Condition::not_modified);
  CHECK(judged({{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}}) == Condition::not_modified);
  CHECK(judged({{"If-Modified-Since", "now"}}) == Condition::holds);
}

TEST_CASE("conditions: tags go before dates, and failing before sparing (RFC 9110 13.2.2)") {
  CHECK(judged({{"If-Match", "\"abc\""}, {"If-Unmodified-Since", before}}) == Condition::holds);
  CHECK(judged({{"If-None-Match", "\"x\""}, {"If-Modified-Since", after}}) == Condition::holds);
  CHECK(judged({{"If-Match", "\"x\""}, {"If-None-Match", "\"abc\""}}) == Condition::failed);
  CHECK(judged({{"If-Match", "\"abc\""}, {"If-None-Match", "\"abc\""}}) == Condition::not_modified);
  CHECK(judged({{"If-Unmodified-Since", before}, {"If-None-Match", "\"abc\""}}) == Condition::failed);
  CHECK(judged({{"If-Unmodified-Since", then}, {"If-Modified-Since", then}}) == Condition::not_modified);
}

TEST_CASE("conditions: a range applies to the very thing that If-Range names") {
  CHECK(applies({}));
  CHECK(applies({{"If-Range", "\"abc\""}}));
  CHECK_FALSE(applies({{"If-Range", "W/\"abc\""}}));
  CHECK_FALSE(applies({{"If-Range", "\"x\""}}));
  CHECK_FALSE(applies({{"If-Range", "\"abc\", \"x\""}}));
  CHECK(applies({{"If-Range", then}}));
  CHECK_FALSE(applies({{"If-Range", before}}));
  CHECK_FALSE(applies({{"If-Range", after}}));
  CHECK_FALSE(applies({{"If-Range", "abc"}}));
  CHECK_FALSE(applies({{"If-Range", then}}, changed));  // the file may change again within this second
  CHECK(applies({{"If-Range", then}}, changed + 1));
}
