#include "config/decode_content.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "config/schema.h"

namespace postern::config {
namespace {

constexpr uint64_t gibi = 1024 * 1024 * 1024;

void decode_algorithms(const Value& value, CompressionDocument& compression) {
  const std::vector<std::string_view> known{"zstd", "br", "gzip"};
  compression.algorithms.clear();
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; write compression: false for none");
  for (const Value& item : items) {
    const auto index = item.one_of(known);
    if (!index) continue;
    std::string name(known[*index]);
    auto& names = compression.algorithms;
    if (std::find(names.begin(), names.end(), name) != names.end())
      item.complain(item.quote() + " stands in this list already");
    else
      names.push_back(std::move(name));
  }
}

// "text/css", "text/*"; in lower case.
Parsed<std::string> parse_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view subtype = slash == text.npos ? std::string_view() : text.substr(slash + 1);
  if (!base::is_token(text.substr(0, slash)) || !base::is_token(subtype) ||
      text.find('*') < text.size() - 1 || (text.back() == '*' && subtype != "*"))
    return complain("is no media type such as text/css or text/*");
  const std::string lower = base::to_lower(text);
  if (lower == "text/event-stream") return complain("is never compressed: each event has to arrive at once");
  return lower;
}

void decode_types(const Value& value, CompressionDocument& compression) {
  compression.types.clear();
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; write compression: false for none");
  for (const Value& item : items)
    if (auto type = item.parsed(parse_media_type)) compression.types.push_back(std::move(*type));
}

void decode_levels(const Value& value, CompressionDocument& compression) {
  const Fields fields(value, keys_inside("compression.level"));
  const auto read = [&](std::string_view key, int& level) {
    if (const auto found = fields.take(key)) set(level, found->number(1, 9));
  };
  read("gzip", compression.gzip_level);
  read("br", compression.brotli_level);
  read("zstd", compression.zstd_level);
}

}  // namespace

std::optional<CompressionDocument> decode_compression(const Value& value,
                                                      const CompressionDocument& inherited) {
  CompressionDocument compression = inherited;
  if (value.is_scalar()) {
    const auto on = value.boolean();
    return on && *on ? std::optional(compression) : std::nullopt;
  }
  // A route's map has the same keys as the general one.
  const Fields fields(value, keys_inside("compression"));
  if (const auto algorithms = fields.take("algorithms")) decode_algorithms(*algorithms, compression);
  if (const auto types = fields.take("types")) decode_types(*types, compression);
  if (const auto size = fields.take("min_size")) set(compression.min_size, size->size(0, gibi));
  if (const auto level = fields.take("level")) decode_levels(*level, compression);
  return compression;
}

}  // namespace postern::config
