#include "config/schema.h"

#include "config/key.h"
#include "config/keys_document.h"

namespace postern::config {
namespace {

// "duration, 10ms to 24h, or none"
std::string type_of(const AnyKind& kind) {
  std::string type = kind.words();
  const std::string range = kind.range();
  const std::string instead = kind.instead();
  if (!range.empty()) type += ", " + range;
  if (!instead.empty()) type += (range.empty() ? " or " : ", or ") + instead;
  return type;
}

// What keys inherit from the key whose map they are in.
struct Above {
  std::string path{};
  Holds holds = Holds::unknown;
  bool commented_out = false;
  bool is_folded = false;
  std::string_view inherits{};
};

void append_keys(std::vector<SchemaKey>& keys, const Section& section, const Above& above) {
  for (const KeyRow& row : section.rows()) {
    const AnyKind& kind = *row.kind;
    SchemaKey key;
    key.path = above.path + std::string(row.name);
    key.shape = kind.shape();
    key.type = type_of(kind);
    key.default_text = row.default_text;
    if (!above.inherits.empty()) key.default_text = std::string(above.inherits) + std::string(row.name);
    key.description = row.description;
    key.example = row.example.value_or(kind.section() ? "" : row.default_text);
    key.commented_out = row.commented_out || above.commented_out;
    key.range = kind.range();
    key.unit = kind.unit();
    key.holds = row.holds == Holds::unknown ? above.holds : row.holds;
    key.inherits_holds = row.holds == Holds::unknown;
    key.needs_restart = row.needs_restart;
    key.folded = row.folded;
    key.is_folded = above.is_folded;
    keys.push_back(key);
    if (!kind.section()) continue;
    const std::string_view into = key.shape == Shape::list ? "[]." : key.shape == Shape::named ? ".*." : ".";
    append_keys(keys, *kind.section(),
                {key.path + std::string(into), key.holds, key.commented_out, key.is_folded || key.folded,
                 row.inherits});
  }
}

}  // namespace

std::span<const SchemaKey> schema() {
  static const std::vector<SchemaKey> all = [] {
    std::vector<SchemaKey> keys;
    append_keys(keys, document_keys(), {});
    return keys;
  }();
  return all;
}

std::string_view key_name(const SchemaKey& key) {
  return std::string_view(key.path).substr(key.path.rfind('.') + 1);  // npos + 1 is 0
}

bool is_inside(const SchemaKey& key, std::string_view parent) {
  const std::size_t dot = key.path.rfind('.');
  return std::string_view(key.path).substr(0, dot == std::string::npos ? 0 : dot) == parent;
}

std::vector<std::string_view> keys_inside(std::string_view parent) {
  std::vector<std::string_view> names;
  for (const SchemaKey& key : schema()) {
    if (is_inside(key, parent)) names.push_back(key_name(key));
  }
  return names;
}

}  // namespace postern::config
