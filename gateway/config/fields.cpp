#include "config/fields.h"

#include <algorithm>

#include "base/check.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/text.h"

namespace postern::config {
namespace {

std::string key_path(const std::string& path, std::string_view key) {
  return path.empty() ? shown(key, 64) : path + '.' + shown(key, 64);
}

std::string schema_path(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + '.' + std::string(key);
}

constexpr std::size_t max_entries = 10'000;

std::string size_text(uint64_t bytes) {
  if (bytes >= 1048576 && bytes % 1048576 == 0) return std::to_string(bytes / 1048576) + "MiB";
  if (bytes >= 1024 && bytes % 1024 == 0) return std::to_string(bytes / 1024) + "KiB";
  return std::to_string(bytes) + " bytes";
}

// "a map (allow, credentials, …)"
std::string map_of(const std::vector<std::string_view>& keys) {
  constexpr std::size_t named = 3;
  std::string text = "a map (";
  for (std::size_t i = 0; i < std::min(keys.size(), named); ++i) text.append(i ? ", " : "").append(keys[i]);
  return text + (keys.size() > named ? ", …)" : ")");
}

}  // namespace

void Value::complain(std::string sentence) const {
  diagnostics_->error(node_->place, path_, std::move(sentence));
}

void Value::warn(std::string sentence) const { diagnostics_->warn(node_->place, path_, std::move(sentence)); }

std::string Value::quote() const { return quoted(node_->substituted ? node_->written : node_->text); }

void Value::refuse(const Complaint& complaint) const {
  std::string sentence = quote() + ' ' + complaint.rule;
  const bool may_show = !complaint.better.empty() && !node_->substituted;
  if (may_show) sentence += "; write " + quoted(complaint.better);
  complain(std::move(sentence));
}

bool Value::is_kind(Node::Kind kind, std::string_view wanted) const {
  if (node_->kind == kind) return !node_->broken;
  if (node_->kind == Node::Kind::null) {
    complain("has no value (null and ~ need quotes to be a text); it must be " + std::string(wanted));
  } else {
    complain("must be " + std::string(wanted));
  }
  return false;
}

std::optional<std::string_view> Value::text() const {
  if (!is_kind(Node::Kind::scalar, "a single value")) return std::nullopt;
  if (node_->text.empty()) {
    complain("is empty");
    return std::nullopt;
  }
  return node_->text;
}

void Value::refuse_range(const std::string& least, const std::string& most, std::string_view or_else) const {
  const std::string other = or_else.empty() ? "" : ", or " + std::string(or_else);
  refuse({"is out of range: " + least + " to " + most + other, ""});
}

std::optional<uint64_t> Value::number(uint64_t least, uint64_t most, std::string_view or_else) const {
  const auto found = parsed(parse_number);
  if (found && (*found < least || *found > most)) {
    refuse_range(std::to_string(least), std::to_string(most), or_else);
    return std::nullopt;
  }
  return found;
}

std::optional<uint64_t> Value::size(uint64_t least, uint64_t most, std::string_view or_else) const {
  const auto found = parsed(parse_size);
  if (found && (*found < least || *found > most)) {
    refuse_range(size_text(least), size_text(most), or_else);
    return std::nullopt;
  }
  return found;
}

std::optional<std::chrono::milliseconds> Value::duration(std::chrono::milliseconds least,
                                                         std::chrono::milliseconds most,
                                                         std::string_view or_else) const {
  const auto found = parsed(parse_duration);
  if (found && (*found < least || *found > most)) {
    refuse_range(to_text(least), to_text(most), or_else);
    return std::nullopt;
  }
  return found;
}

std::optional<std::size_t> Value::one_of(const std::vector<std::string_view>& words) const {
  const auto word = text();
  if (!word) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string list;
  for (std::size_t index = 0; index < words.size(); ++index) {
    if (index > 0) list += index + 1 == words.size() ? " or " : ", ";
    list += words[index];
  }
  const bool may_suggest = !node_->substituted;
  complain(quote() + " is not " + (words.size() > 2 ? "one of " : "") + list +
           (may_suggest ? did_you_mean(*word, words) : ""));
  return std::nullopt;
}

std::size_t Value::count_up_to(std::size_t most) const {
  if (node_->items.size() <= most) return node_->items.size();
  complain("has more than " + std::to_string(most) + " entries");
  return most;
}

std::vector<Value> Value::items(std::size_t most) const {
  std::vector<Value> found;
  if (!is_kind(Node::Kind::sequence, "a list")) return found;
  const std::size_t count = count_up_to(most);
  found.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    found.emplace_back(node_->items[index], path_ + '[' + std::to_string(index) + ']', schema_ + "[]",
                       *diagnostics_);
  }
  return found;
}

std::vector<Value> Value::items_or_one() const {
  if (is_scalar()) return {*this};
  if (is_list()) return items();
  is_kind(Node::Kind::scalar, "a single value or a list");
  return {};
}

std::vector<std::pair<Key, Value>> Value::entries(std::string_view wanted) const {
  std::vector<std::pair<Key, Value>> found;
  if (!is_kind(Node::Kind::map, wanted)) return found;
  const std::size_t count = count_up_to(max_entries);
  found.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    const Key& key = node_->keys[index];
    found.emplace_back(key,
                       Value(node_->items[index], key_path(path_, key.text), schema_ + ".*", *diagnostics_));
  }
  return found;
}

Fields::Fields(const Value& value) : Fields(value, keys_inside(value.schema())) {}

Fields::Fields(const Value& value, const std::vector<std::string_view>& known)
    : value_(value), known_(known), is_map_(value.is_map()) {
  base::check(!known_.empty(), "a map with fixed keys has keys");
  for (const auto& [key, entry] : value_.entries(map_of(known_))) {
    if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) continue;
    Diagnostics& diagnostics = value_.diagnostics();
    std::string sentence = "unknown key " + quoted(key.text);
    if (const auto meant = diagnostics.full() ? std::string_view() : suggest(key.text, known_);
        !meant.empty()) {
      sentence += "; did you mean " + quoted(meant) + '?';
      misspelt_.push_back(meant);
    }
    diagnostics.error(key.place, entry.path(), std::move(sentence));
  }
}

std::optional<Value> Fields::take(std::string_view key) const {
  base::check(std::find(known_.begin(), known_.end(), key) != known_.end(),
              "a key that is read is in the schema");
  if (!is_map_) return std::nullopt;
  const Node& node = value_.node();
  for (std::size_t index = 0; index < node.keys.size(); ++index) {
    if (node.keys[index].text != key) continue;
    return Value(node.items[index], key_path(value_.path(), key), schema_path(value_.schema(), key),
                 value_.diagnostics());
  }
  return std::nullopt;
}

bool Fields::is_misspelt(std::string_view key) const {
  return std::find(misspelt_.begin(), misspelt_.end(), key) != misspelt_.end();
}

std::optional<Value> Fields::need(std::string_view key) const {
  auto found = take(key);
  if (!found && is_map_ && !is_misspelt(key)) {
    value_.diagnostics().error(value_.place(), key_path(value_.path(), key), "is missing");
  }
  return found;
}

void check_name(const Key& key, const Value& entry) {
  if (const auto name = parse_name(key.text); !name) {
    entry.diagnostics().error(key.place, entry.path(), quoted(key.text) + ' ' + name.error().rule);
  }
}

}  // namespace postern::config
