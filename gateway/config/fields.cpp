#include "config/fields.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/check.h"
#include "config/foreign_keys.h"
#include "config/map_meant.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/text.h"

namespace postern::config {
namespace {

std::string schema_path(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + '.' + std::string(key);
}

constexpr std::size_t max_entries = 10'000;

std::string size_text(uint64_t bytes) {
  if (bytes >= 1048576 && bytes % 1048576 == 0) return std::to_string(bytes / 1048576) + "MiB";
  if (bytes >= 1024 && bytes % 1024 == 0) return std::to_string(bytes / 1024) + "KiB";
  return std::to_string(bytes) + " bytes";
}

const SchemaKey* find_schema(std::string_view path) {
  for (const SchemaKey& key : schema())
    if (key.path == path) return &key;
  return nullptr;
}

// Returns the first key of an entry of a list or of a map of names, as the reference shows it. An example is
// `address: ":8080"`. Empty: the reference shows none.
std::string example_inside(std::string_view parent) {
  for (const SchemaKey& key : schema()) {
    if (!is_inside(key, parent) || key.shape != Shape::value || key.example.empty()) continue;
    return std::string(key_name(key)) + ": " + std::string(key.example);
  }
  return {};
}

// Returns the word before a colon without a space after it ("upstream:http://x"), if it is one of `keys`.
std::string_view glued_key(std::string_view text, const std::vector<std::string_view>& keys) {
  const std::string_view word = text.substr(0, text.find(':'));
  const bool is_glued = word.size() + 1 < text.size() && text[word.size() + 1] != ' ';
  return is_glued && std::find(keys.begin(), keys.end(), word) != keys.end() ? word : std::string_view();
}

std::string missing_space_behind(std::string_view key) {
  return "the colon behind a key needs a space behind it: write " + quoted(std::string(key) + ": ...");
}

// "a, b and c"
std::string in_words(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text.append(i == 0 ? "" : i + 1 == words.size() ? " and " : ", ").append(words[i]);
  return text;
}

// Whether other programs use this word for "none".
bool says_unlimited(std::string_view text) {
  constexpr std::string_view words[] = {"-1",    "disabled", "infinite", "infinity",
                                        "never", "no",       "off",      "unlimited"};
  return std::find(std::begin(words), std::end(words), base::to_lower(text)) != std::end(words);
}

// Returns the items of a text that should be a list: "GET, POST". They are quoted if the text was.
std::string as_list(std::string_view text, bool plain) {
  std::string list;
  while (const auto item = base::next_element(text))
    list.append(list.empty() ? "" : ", ").append(plain ? shown(*item) : quoted(*item));
  return list;
}

// Typographic quotes, which word processors and chat programs put in place of the plain ones that YAML needs.
bool begins_with_typographic_quote(std::string_view text) {
  constexpr std::string_view quotes[] = {"\u201c", "\u201d", "\u201e", "\u2018",
                                         "\u2019", "\u201a", "\u00ab"};
  return std::any_of(std::begin(quotes), std::end(quotes),
                     [&](std::string_view quote) { return text.starts_with(quote); });
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
  diagnostics_->error(node_->location, path_, std::move(sentence));
}

void Value::complain_of_key(const Key& key, std::string_view rule) const {
  const std::string name = without_value(key.text);
  diagnostics_->error(key.location, key_path(path_, name), (quoted(name) += ' ').append(rule));
}

void Value::warn(std::string sentence) const {
  diagnostics_->warn(node_->location, path_, std::move(sentence));
}

std::string Value::quote() const { return quoted(node_->substituted ? node_->written : node_->text); }

void Value::refuse(const Complaint& complaint) const {
  std::string sentence = quote() + ' ' + complaint.rule;
  const bool may_show = !complaint.better.empty() && !node_->substituted;
  if (node_->plain && begins_with_typographic_quote(node_->text))
    sentence += "; it begins with a typographic quote, which YAML takes for a letter: write \" or '";
  else if (may_show)
    sentence += "; write " + quoted(complaint.better);
  complain(std::move(sentence));
}

bool Value::is_kind(Node::Kind kind, std::string_view wanted) const {
  if (node_->kind == kind) return !node_->broken;
  if (node_->kind == Node::Kind::null) {
    complain("has no value (null and ~ need quotes to be a text); it must be " + std::string(wanted));
  } else if (!complain_of_missing_space(kind)) {
    const std::string meant = kind == Node::Kind::map ? map_meant(schema_, *node_) : "";
    complain(meant.empty() ? "must be " + std::string(wanted) + example_of(kind)
                           : "must be a map; write " + meant);
  }
  return false;
}

// Without the space, YAML reads "-address: x" as a map with the key "-address", and "upstream:http://x" as a
// text.
bool Value::complain_of_missing_space(Node::Kind wanted) const {
  if (wanted == Node::Kind::sequence && is_map() && !node_->keys.empty() &&
      node_->keys[0].text.starts_with('-')) {
    diagnostics_->error(
        node_->keys[0].location, path_,
        "a dash needs a space behind it: write " + quoted("- " + node_->keys[0].text.substr(1)));
    return true;
  }
  if (wanted != Node::Kind::map || !is_scalar()) return false;
  const std::string_view key = glued_key(node_->text, keys_inside(schema_));
  if (key.empty()) return false;
  complain(missing_space_behind(key));
  return true;
}

// Returns an example of the wanted list or map, to be appended to an error.
std::string Value::example_of(Node::Kind wanted) const {
  const SchemaKey* key = find_schema(schema_);
  const bool may_show = is_scalar() && !node_->substituted;
  if (wanted == Node::Kind::sequence && key && key->shape == Shape::list && !key->folded) {
    // The items of `endpoints` may be maps or single values.
    const std::size_t dot = std::min(schema_.rfind('.'), schema_.size());
    const std::string above = map_meant(schema_.substr(0, dot), *node_);
    if (!above.empty() && may_show) return "; write [" + quoted(node_->text) + "]";
    const std::string meant = may_show ? map_meant(schema_ + "[]", *node_) : "";
    if (!meant.empty()) return "; write [" + meant + "]";
    const std::string example = example_inside(schema_ + "[]");
    return example.empty() ? "" : "; begin each entry with a dash: - " + example;
  }
  const bool is_word = may_show && (node_->text == "true" || node_->text == "false");
  if (wanted == Node::Kind::sequence && may_show && !is_word)
    return "; write [" + as_list(node_->text, node_->plain) + "]";
  if (wanted == Node::Kind::map && is_list() && key && key->shape == Shape::named && !key->folded)
    return " of names, not a list: write " + std::string(key->example) + ": above the keys of each";
  if (wanted == Node::Kind::map && schema_.empty())
    return std::string(is_list() ? "; its keys stand without dashes" : "") +
           "; listeners and routes are the least it needs (postern reference prints every key)";
  if (const std::string_view usual = usual_map(schema_); wanted == Node::Kind::map && !usual.empty())
    return "; write it like " + std::string(usual);
  return {};
}

bool Value::complain_of_none(const std::string& most, std::string_view or_else) const {
  if (says_none() && or_else.empty()) {
    complain("\"none\" is not possible here; write " + most + " at most");
    return true;
  }
  if (!is_scalar() || or_else.find("none") == or_else.npos || !says_unlimited(node_->text)) return false;
  complain(quote() + " is not a limit; for no limit write \"none\"");
  return true;
}

std::optional<std::string_view> Value::text() const {
  const auto found = lines();
  if (!found || !node_->has_lines) return found;
  complain("holds a control character (a line end or a tab); write it in one line");
  return std::nullopt;
}

std::optional<std::string_view> Value::lines() const {
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
  if (complain_of_none(std::to_string(most), or_else)) return std::nullopt;
  const auto found = parsed(parse_number);
  if (found && (*found < least || *found > most)) {
    refuse_range(std::to_string(least), std::to_string(most), or_else);
    return std::nullopt;
  }
  return found;
}

std::optional<uint64_t> Value::size(uint64_t least, uint64_t most, std::string_view or_else) const {
  if (complain_of_none(size_text(most), or_else)) return std::nullopt;
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
  if (complain_of_none(to_text(most), or_else)) return std::nullopt;
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
  const SchemaKey* declared = find_schema(schema_);
  const bool has_names = declared && declared->shape == Shape::named;
  for (std::size_t index = 0; index < count; ++index) {
    const Key& key = node_->keys[index];
    const std::string path = key_path(path_, has_names ? without_value(key.text) : key.text);
    found.emplace_back(key, Value(node_->items[index], path, schema_ + ".*", *diagnostics_));
  }
  return found;
}

Fields::Fields(const Value& value, const std::vector<std::string_view>& known)
    : value_(value), known_(known), is_map_(value.is_map()) {
  base::check(!known_.empty(), "a map with fixed keys has keys");
  for (const auto& [key, entry] : value_.entries(map_of(known_))) {
    if (std::find(known_.begin(), known_.end(), key.text) == known_.end()) refuse_key(key, entry);
  }
}

// Reports an unknown key, with the likeliest guess of what was meant.
void Fields::refuse_key(const Key& key, const Value& entry) {
  Diagnostics& diagnostics = value_.diagnostics();
  const auto mean = [&](std::string_view ours) {
    const auto found = std::find(known_.begin(), known_.end(), ours);
    if (found != known_.end()) misspelt_.push_back(*found);  // the known key outlives `ours`
  };
  if (const std::string_view glued = glued_key(key.text, known_); !glued.empty()) {
    mean(glued);
    // What stands behind the colon may be a secret: it is in no part of the message.
    return diagnostics.error(key.location, key_path(value_.path(), glued), missing_space_behind(glued));
  }
  const std::string name = without_value(key.text);
  const std::string path = key_path(value_.path(), name);
  std::string sentence = "unknown key " + quoted(name);
  if (diagnostics.full()) return diagnostics.error(key.location, path, std::move(sentence));
  const bool knows_secret = std::find(known_.begin(), known_.end(), "secret") != known_.end();
  const std::string_view near = suggest(key.text, known_);
  const bool is_slip = !near.empty() && edit_distance(base::to_lower(key.text), near) <= 1;
  const ForeignKey* foreign = is_slip ? nullptr : find_foreign_key(key.text, known_);
  if (const std::string_view section = empty_section_for(key.text); !section.empty()) {
    sentence += "; it belongs under " + std::string(section) + ": indent it further";
  } else if (foreign) {
    sentence += "; " + std::string(foreign->advice);
    mean(foreign->ours);
  } else if (!near.empty()) {
    sentence += "; did you mean " + quoted(near) + '?';
    mean(near);
  } else if (knows_secret && entry.node().kind == Node::Kind::null) {  // { secret: one,two }
    return diagnostics.error(key.location, value_.path(),
                             "a key has no value here; a text with a comma in it needs quotes");
  } else if (const std::string places = places_of_key(key.text); !places.empty()) {
    sentence += "; " + places;
  } else {
    constexpr std::size_t most = 8;
    sentence += known_.size() <= most ? "; the keys here are " + in_words(known_)
                                      : " (postern reference prints every key)";
  }
  diagnostics.error(key.location, path, std::move(sentence));
}

// Returns a section in the same map that has no value and has a key `key`: its entries were probably not
// indented.
std::string_view Fields::empty_section_for(std::string_view key) const {
  const Node& node = value_.node();
  for (std::size_t index = 0; index < node.keys.size(); ++index) {
    if (node.items[index].kind != Node::Kind::null) continue;
    const std::vector<std::string_view> inside =
        keys_inside(schema_path(value_.schema(), node.keys[index].text));
    if (std::find(inside.begin(), inside.end(), key) != inside.end()) return node.keys[index].text;
  }
  return {};
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

bool Fields::is_good(std::string_view key) const {
  return take(key).has_value() && std::find(refused_.begin(), refused_.end(), key) == refused_.end();
}

std::optional<Value> Fields::need(std::string_view key) const {
  auto found = take(key);
  if (!found && is_map_ && !is_misspelt(key)) {
    value_.diagnostics().error(value_.location(), key_path(value_.path(), key), "is missing");
  }
  return found;
}

void check_name(const Value& map, const Key& key) {
  if (const auto name = parse_name(key.text); !name) map.complain_of_key(key, name.error().rule);
}

}  // namespace postern::config
