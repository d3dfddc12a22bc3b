#include "config/keys_compression.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/map_meant.h"

namespace postern::config {
namespace {

constexpr uint64_t gibi = 1024 * 1024 * 1024;
constexpr std::string_view for_none = "is empty; write compression: false for none";

struct Algorithms {
  using Type = std::vector<coding::Coding>;
  static Words<coding::Coding> known() {
    return config::words<coding::Coding>(
        {{"zstd", coding::Coding::zstd}, {"br", coding::Coding::brotli}, {"gzip", coding::Coding::gzip}});
  }
  std::optional<Type> read(const Value& value) const {
    Type found;
    const auto items = value.items();
    if (value.is_list() && items.empty()) value.complain(std::string(for_none));
    for (const Value& item : items) {
      if (item.is_scalar() && item.node().text == "brotli") {
        item.refuse({"is named as it is sent", "br"});
        continue;
      }
      const auto algorithm = known().read(item);
      if (!algorithm) continue;
      if (std::find(found.begin(), found.end(), *algorithm) != found.end())
        item.complain(item.quote() + " stands in this list already");
      else
        found.push_back(*algorithm);
    }
    return found;
  }
  std::string words() const { return "list of zstd, br, gzip"; }
  std::string shown(const Type& algorithms) const {
    std::string text;
    for (const coding::Coding one : algorithms)
      text.append(text.empty() ? "" : ", ").append(coding::token(one));
    return '[' + text + ']';
  }
  std::string json_schema() const { return list_schema(known().json_schema(), 1, 1000); }
};

// Parses a media type or a range of them: "text/css" or "text/*", in lower case.
Parsed<std::string> parse_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view subtype = slash == text.npos ? std::string_view() : text.substr(slash + 1);
  if (!base::is_token(text.substr(0, slash)) || !base::is_token(subtype) ||
      text.find('*') < text.size() - 1 || (text.back() == '*' && subtype != "*"))
    return complain("is not a media type such as text/css or text/*");
  const std::string lower = base::to_lower(text);
  if (lower == "text/event-stream") return complain("is never compressed: each event has to arrive at once");
  return lower;
}

List<ParsedText<std::string>> media_types() {
  return list_of("list of media types", text("media type", parse_media_type, "[^/]+/[^/]+"), for_none);
}

const Keys<coding::Rules>& level_keys() {
  static const auto keys =
      Keys<coding::Rules>("compression_level")
          .key(
              "gzip", [](coding::Rules& rules) -> int& { return rules.levels.gzip; }, number(1, 9),
              "The compression level of gzip, from 1 (fast) to 9 (small).")
          .key(
              "br", [](coding::Rules& rules) -> int& { return rules.levels.brotli; }, number(1, 9),
              "The compression level of brotli, from 1 (fast) to 9 (small).")
          .key(
              "zstd", [](coding::Rules& rules) -> int& { return rules.levels.zstd; }, number(1, 9),
              "The compression level of zstd, from 1 (fast) to 9 (small).");
  return keys;
}

const Keys<coding::Rules>& compression_keys() {
  static const auto keys =
      Keys<coding::Rules>("compression")
          .key("algorithms", &coding::Rules::algorithms, Algorithms(),
               "The compression algorithms, best first. The first of the list is taken where a client "
               "accepts several alike.")
          .key("types", &coding::Rules::types, media_types(),
               "The media types that are compressed, in place of the built-in list; \"text/*\" stands for "
               "all text types.")
          .by_default("text, scripts, JSON, XML, SVG, fonts, WASM")
          .example("[\"text/*\", application/json, application/javascript, image/svg+xml]")
          .commented_out()
          .key("min_size", &coding::Rules::min_size, size(0, gibi),
               "The smallest response body that is compressed. A body whose length is not known in advance "
               "is compressed whatever its size.")
          .key("level", itself<coding::Rules>, map(level_keys),
               "The compression level of each algorithm, from 1 (fast) to 9 (small).");
  return keys;
}

}  // namespace

void Compression::read_into(const Value& value, std::optional<coding::Rules>& compression) const {
  coding::Rules changed = compression.value_or(coding::Rules());
  if (value.is_scalar()) {
    compression.reset();
    if (const std::string meant = map_meant("compression", value.node()); !meant.empty())
      return value.complain("is true, false or a map; write " + meant);
    const auto on = value.boolean();
    if (on && *on) compression = std::move(changed);
    return;
  }
  compression_keys().read(value, &changed);
  compression = std::move(changed);
}

std::string Compression::json_schema() const {
  return section_schema(compression_keys(), {boolean().json_schema()});
}

const Section* Compression::section() const { return &compression_keys(); }

}  // namespace postern::config
