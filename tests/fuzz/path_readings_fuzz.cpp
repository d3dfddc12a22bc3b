// Readings of a path: each begins at the root and is in canonical spelling, none has a twin, their number and
// size keep to the bounds, and the readings of a reading that nobody decoded are among them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/escapes.h"
#include "http/path_readings.h"
#include "http/target.h"

using postern::base::check;
namespace http = postern::http;

namespace {

void check_reading(const std::string& text) {
  check(text.starts_with('/'), "a reading starts at the root");
  for (char c : text) check(c > 0x20 && c < 0x7f, "a reading is printable ASCII");
  std::string again;
  http::append_canonical(text, again);
  check(again == text, "a reading is in canonical spelling");
}

void check_path(std::string_view text) {
  http::Target target;
  if (!http::read_target(text, target) || text == "*") return;
  check(target.raw_path == text.substr(0, text.find('?')), "a path stays as it came");
  http::Target strict;
  const bool one_form = http::read_strict_target(target.raw_path, strict).has_value();
  check(target.odd || one_form, "a plain path is a strict one");
  check(target.odd || strict.path == target.raw_path, "a plain path is its own normal form");
  const auto readings = http::PathReadings::of(target.raw_path);
  if (!readings) {
    check(target.odd, "a plain path is never refused");
    return;
  }
  const std::vector<std::string>& texts = readings->texts();
  check(!texts.empty() && texts.size() <= http::PathReadings::most, "the number of readings is bound");
  check(target.odd || texts.size() == 1, "a plain path has one reading");
  size_t bytes = 0;
  for (const std::string& reading : texts) {
    check_reading(reading);
    bytes += reading.size();
    check(std::count(texts.begin(), texts.end(), reading) == 1, "no reading has a twin");
  }
  check(bytes <= std::max(http::PathReadings::most_bytes, 8 * texts.front().size()), "their size is bound");
  const auto has = [&](std::string_view reading) {
    return std::find(texts.begin(), texts.end(), reading) != texts.end();
  };
  if (one_form && target.irregular.empty() && text.find('%') == text.npos)
    check(has(strict.path), "the normal form is a reading");
  std::string slashes = texts.front();
  std::replace(slashes.begin(), slashes.end(), '\\', '/');
  check(has(slashes), "a backslash may be a slash");
  std::string merged = slashes;
  merged.erase(std::unique(merged.begin(), merged.end(), [](char a, char b) { return a == '/' && b == '/'; }),
               merged.end());
  check(has(merged), "slashes may be merged");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_path(text);
  check_path("/" + std::string(text));
  return 0;
}
