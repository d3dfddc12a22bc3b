#include "config/decode_content.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/map_meant.h"
#include "config/schema.h"
#include "config/text.h"
#include "files/site.h"

namespace postern::config {
namespace {

constexpr uint64_t gibi = 1024 * 1024 * 1024;

void decode_algorithms(const Value& value, CompressionDocument& compression) {
  const std::vector<std::string_view> known{"zstd", "br", "gzip"};
  compression.algorithms.clear();
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; write compression: false for none");
  for (const Value& item : items) {
    if (item.is_scalar() && item.node().text == "brotli") {
      item.refuse({"is named as it is sent", "br"});
      continue;
    }
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
    return complain("is not a media type such as text/css or text/*");
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

// "/exact", "/folder/*", "*.js", "*": what files/site.h matches with.
Parsed<std::string> parse_path_pattern(std::string_view text) {
  const std::size_t star = text.find('*');
  if (!text.starts_with('/') && !text.starts_with('*'))
    return complain("begins with neither \"/\" nor \"*\"", "/" + std::string(text));
  if (star != text.npos && star != 0 && star + 1 != text.size())
    return complain("has a \"*\" in its middle; it may stand at one end");
  if (text.size() > 1 && star == 0 && text.find('*', 1) != text.npos)
    return complain("has a \"*\" at both ends; it may stand at one");
  return std::string(text);
}

void decode_cache(const Value& value, FilesDocument& files) {
  for (const auto& [key, entry] : value.entries()) {
    auto pattern = parse_path_pattern(key.text);
    if (!pattern) {
      entry.diagnostics().error(key.location, value.path(), quoted(key.text) + ' ' + pattern.error().rule);
      continue;
    }
    if (auto text = entry.parsed(parse_field_value))
      files.cache.emplace_back(std::move(*pattern), std::move(*text));
  }
}

// A file's name: it lies in the folder that was asked for.
Parsed<std::string> parse_index(std::string_view text) {
  if (text.find('/') != text.npos) return complain("is not a file name: it has a \"/\"");
  if (text.starts_with('.')) return complain("begins with a dot, and such files are hidden");
  return std::string(text);
}

}  // namespace

std::optional<FilesDocument> decode_files(const Value& value) {
  FilesDocument files;
  files.location = files.root_location = value.location();
  if (value.is_scalar()) {
    const auto root = value.text();
    if (!root) return std::nullopt;
    files.root = std::string(*root);
    return files;
  }
  const Fields fields(value);
  const auto root = fields.need("root");
  if (root) {
    files.root_location = root->location();
    set(files.root, root->text());
  }
  if (const auto index = fields.take("index")) set(files.index, index->parsed(parse_index));
  if (const auto cache = fields.take("cache")) decode_cache(*cache, files);
  if (const auto found = fields.take("precompressed")) set(files.precompressed, found->boolean());
  if (const auto hidden = fields.take("hidden")) set(files.hidden, hidden->boolean());
  if (files.root.empty()) return std::nullopt;
  return files;
}

void decode_single_page(const Value& value, const Fields& fields, RouteDocument& route) {
  std::vector<std::string> except = files::SinglePage().except;
  if (value.is_scalar()) {
    const auto on = value.boolean();
    if (!on || !*on) return;
  } else {
    const Fields keys(value);
    if (const auto found = keys.take("except")) {
      except.clear();
      for (const Value& item : found->items())
        if (auto path = item.parsed(parse_route_path)) except.push_back(std::move(*path));
    }
  }
  if (route.files)
    route.files->single_page = std::move(except);
  else if (!fields.take("files") && !fields.is_misspelt("files"))
    value.complain("needs files: it is their index that answers");
}

std::optional<CompressionDocument> decode_compression(const Value& value,
                                                      const CompressionDocument& inherited) {
  CompressionDocument compression = inherited;
  if (value.is_scalar()) {
    if (const std::string meant = map_meant("compression", value.node()); !meant.empty()) {
      value.complain("is true, false or a map; write " + meant);
      return std::nullopt;
    }
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
