// Whatever a client says about ranges, conditions and dates: a part lies within the file, and a date that is
// read is the one that is written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "files/conditions.h"
#include "files/content_type.h"
#include "files/range.h"
#include "http/date.h"

using postern::base::check;
namespace files = postern::files;
namespace http = postern::http;

namespace {

constexpr int64_t now = 1'800'000'000;

void check_range(std::string_view field, uint64_t size) {
  const files::Range range = files::read_range(field, size);
  if (range.kind != files::Range::Kind::part) return;
  check(range.first <= range.last && range.last < size, "a part lies within the file");
}

void check_date(std::string_view text) {
  const auto seconds = http::parse_http_date(text, now);
  if (!seconds) return;
  check(*seconds >= -62'167'219'200 && *seconds <= 253'402'300'800, "a year of four digits");
  const bool in_form = text.size() == 29 && text.ends_with(" GMT") && text[3] == ',';
  const auto again = http::parse_http_date(http::imf_fixdate(*seconds), now);
  if (*seconds >= 0) check(again == seconds, "a date that was read can be written");
  if (in_form && *seconds >= 0 && text.substr(17, 8) < "24" && text.substr(23, 2) != "60")
    check(http::imf_fixdate(*seconds).substr(5) == text.substr(5), "it is the date that came");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{1000}, ~uint64_t{0}})
    check_range(text, length);
  check_date(text);
  check(!files::content_type_of(text).empty(), "every file is something");
  for (const char* name :
       {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"}) {
    http::Headers headers;
    headers.add(name, text);
    const files::Validators validators{"\"abc\"", 784111777};
    const files::Condition judged = files::evaluate(headers, validators, now);
    const bool applies = files::range_applies(headers, validators, now);
    if (text == "\"abc\"" && name == std::string_view("If-Range")) check(applies, "the very tag applies");
    if (text == "\"abc\"" && name == std::string_view("If-Match"))
      check(judged == files::Condition::holds, "the very tag matches");
  }
  return 0;
}
