#include "files/range.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/ascii.h"

namespace postern::files {
namespace {

constexpr Range whole{};
constexpr Range unsatisfiable{Range::Kind::unsatisfiable, 0, 0};

// Parses digits, at least one. A number beyond 64 bits becomes the largest one, which is beyond the end of
// every file.
std::optional<uint64_t> read_position(std::string_view digits) {
  if (digits.empty() ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return base::parse_decimal(digits).value_or(std::numeric_limits<uint64_t>::max());
}

}  // namespace

Range read_range(std::string_view field, uint64_t size) {
  const size_t equals = field.find('=');
  if (equals == field.npos || !base::equal_ignoring_case(field.substr(0, equals), "bytes")) return whole;
  const std::string_view range = base::trim(field.substr(equals + 1));
  const size_t dash = range.find('-');
  if (dash == range.npos) return whole;
  const std::string_view before = range.substr(0, dash);
  const std::string_view after = range.substr(dash + 1);
  if (before.empty()) {
    const std::optional<uint64_t> count = read_position(after);
    if (!count) return whole;
    if (*count == 0) return unsatisfiable;
    if (size == 0) return whole;  // an empty file has no range that Content-Range can express
    return {Range::Kind::part, size - std::min(*count, size), size - 1};
  }
  const std::optional<uint64_t> first = read_position(before);
  const std::optional<uint64_t> last =
      after.empty() ? std::numeric_limits<uint64_t>::max() : read_position(after);
  if (!first || !last || *last < *first) return whole;
  if (*first >= size) return unsatisfiable;
  return {Range::Kind::part, *first, std::min(*last, size - 1)};
}

}  // namespace postern::files
