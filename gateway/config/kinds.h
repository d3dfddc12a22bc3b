// Kinds: what the value of a key may be, one small type for each. A kind reads a value of its own Type and
// reports errors, and knows the words for people, the JSON Schema, and how a value is written. Kinds that
// read into a member in place (maps) have read_into() in place of read(). config/key.h combines kinds with
// members.
//
// A fragment of JSON Schema is the text of a JSON object. An editor takes plain scalars of YAML for numbers
// and booleans where they look like it, so a fragment accepts those too; for the gateway every scalar is a
// text.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json_scanner.h"
#include "config/fields.h"
#include "config/values.h"

namespace postern::config {

// A word that is allowed in place of a number, a size or a duration. It is read as 0, or, in place of a
// duration, as base::no_limit.
struct Word {
  std::string_view text{};
  // The alternative that an error about a range names: the word, unless another key takes it ("hold: none").
  std::string_view or_else = text;
};
inline constexpr Word none{"none"};
inline constexpr Word automatic{"auto"};

// ---- Fragments of JSON Schema

std::string json_text(std::string_view text);  // a JSON string, with its quotes
std::string json_list(const std::vector<std::string>& items);
// A string that matches the whole `pattern`, or contains an environment variable. `also`: a word that is
// allowed in its place.
std::string string_schema(std::string_view pattern, std::string_view also = "");
// The same, or a whole number in a range.
std::string number_schema(uint64_t least, uint64_t most, std::string_view pattern, std::string_view also);
// One of `words`: as a string, or as the number or boolean that it looks like.
std::string words_schema(const std::vector<std::string_view>& words);
std::string any_of(const std::vector<std::string>& fragments);
std::string list_schema(const std::string& item, std::size_t least = 0, std::size_t most = 0);
// A map whose keys the operator chooses.
std::string entries_schema(const std::string& entry, std::string_view key_pattern = "", std::size_t most = 0,
                           std::size_t least = 0);
// A scalar of any kind.
std::string scalar_schema();

// The patterns of rates, for string_schema().
inline constexpr std::string_view rate_pattern = "([1-9][0-9]{0,5}|1000000)/[smh]";
inline constexpr std::string_view byte_rate_pattern = "[1-9][0-9]*(B|k|K|KiB|M|MiB|G|GiB)?/s";

// ---- Words for people

// "a, b or c"
std::string alternatives(const std::vector<std::string_view>& words);
std::string size_in_words(uint64_t bytes);
// Returns a text as an item of a YAML list, in quotes where YAML would read it as something else.
std::string yaml_item(std::string_view text);

// ---- Kinds

struct Boolean {
  using Type = bool;
  std::optional<bool> read(const Value& value) const { return value.boolean(); }
  std::string words() const { return "true or false"; }
  std::string shown(bool on) const { return on ? "true" : "false"; }
  bool is_switch() const { return true; }
  std::string json_schema() const { return words_schema({"true", "false"}); }
};
inline Boolean boolean() { return {}; }

struct Number {
  using Type = uint64_t;
  uint64_t least;
  uint64_t most;
  Word word{};
  std::optional<uint64_t> read(const Value& value) const;
  std::string words() const { return "number"; }
  std::string range() const;
  std::string_view instead() const { return word.text; }
  std::string shown(uint64_t number) const;
  std::string json_schema() const;
};
inline Number number(uint64_t least, uint64_t most, Word word = {}) { return {least, most, word}; }

struct Size {
  using Type = uint64_t;
  static constexpr uint64_t unlimited = std::numeric_limits<int64_t>::max();
  uint64_t least;
  uint64_t most;
  Word word{};
  std::optional<uint64_t> read(const Value& value) const;
  std::string words() const { return "size"; }
  std::string range() const;
  std::string_view unit() const { return "B, KiB, MiB or GiB"; }
  std::string_view instead() const { return word.text; }
  std::string shown(uint64_t bytes) const;
  std::string json_schema() const;
};
inline Size size(uint64_t least, uint64_t most, Word word = {}) { return {least, most, word}; }

struct DurationKind {
  using Type = base::Duration;
  std::chrono::milliseconds least;
  std::chrono::milliseconds most;
  Word word{};
  enum class Seconds : uint8_t { any, whole, rounded_up } seconds = Seconds::any;
  // For members that count seconds: a fraction of a second is refused, or rounded up.
  DurationKind in_whole_seconds() const { return {least, most, word, Seconds::whole}; }
  DurationKind rounded_up() const { return {least, most, word, Seconds::rounded_up}; }
  std::optional<base::Duration> read(const Value& value) const;
  std::string words() const { return "duration"; }
  std::string range() const { return to_text(least) + " to " + to_text(most); }
  std::string_view unit() const { return "ms, s, m or h"; }
  std::string_view instead() const { return word.text; }
  std::string shown(base::Duration duration) const;
  std::string json_schema() const;
};
inline DurationKind duration(std::chrono::milliseconds least, std::chrono::milliseconds most,
                             Word word = {}) {
  return {least, most, word};
}

// A word for each value of an enumeration, or for true and false.
template <class E>
struct Words {
  using Type = E;
  std::vector<std::pair<std::string_view, E>> all;
  std::vector<std::string_view> texts() const {
    std::vector<std::string_view> found;
    for (const auto& [text, meaning] : all) found.push_back(text);
    return found;
  }
  std::optional<E> read(const Value& value) const {
    const auto index = value.one_of(texts());
    return index ? std::optional<E>(all[*index].second) : std::nullopt;
  }
  std::string words() const { return alternatives(texts()); }
  std::string shown(E meant) const {
    for (const auto& [text, meaning] : all)
      if (meaning == meant) return std::string(text);
    return "none";
  }
  std::string json_schema() const { return words_schema(texts()); }
};
template <class E>
Words<E> words(std::initializer_list<std::pair<std::string_view, E>> all) {
  return {{all.begin(), all.end()}};
}

// "20%"
struct Percentage {
  using Type = uint32_t;
  std::optional<uint32_t> read(const Value& value) const { return value.parsed(parse_percentage); }
  std::string words() const { return "percentage"; }
  std::string range() const { return "0% to 100%"; }
  std::string_view unit() const { return "%"; }
  std::string shown(uint32_t percent) const { return std::to_string(percent) + '%'; }
  std::string json_schema() const { return string_schema("([0-9]|[1-9][0-9]|100)%"); }
};
inline Percentage percentage() { return {}; }

// "240B/s", or `none`, which is 0.
struct ByteRate {
  using Type = uint64_t;
  std::optional<uint64_t> read(const Value& value) const;
  std::string words() const { return "bytes per second"; }
  std::string range() const { return "1B/s to 1GiB/s"; }
  std::string_view unit() const { return "B/s, KiB/s, MiB/s or GiB/s"; }
  std::string_view instead() const { return "none"; }
  std::string shown(uint64_t bytes) const { return bytes == 0 ? "none" : size_in_words(bytes) + "/s"; }
  std::string json_schema() const { return string_schema(byte_rate_pattern, "none"); }
};
inline ByteRate byte_rate() { return {}; }

// Any text of one line.
struct Text {
  using Type = std::string;
  std::string_view what;
  std::optional<std::string> read(const Value& value) const;
  std::string words() const { return std::string(what); }
  std::string shown(const std::string& text) const { return text.empty() ? "none" : text; }
  std::string json_schema() const { return scalar_schema(); }
};
inline Text text(std::string_view what = "text") { return {what}; }

// A text that `parse` accepts. `pattern` is for the JSON Schema, which refuses other texts; empty: any text.
template <class T>
struct ParsedText {
  using Type = T;
  std::string_view what;
  Parsed<T> (*parse)(std::string_view);
  std::string_view pattern;
  std::optional<T> read(const Value& value) const { return value.parsed(parse); }
  std::string words() const { return std::string(what); }
  std::string shown(const T& parsed) const {
    if constexpr (std::is_convertible_v<const T&, std::string_view>)
      return std::string_view(parsed).empty() ? "none" : std::string(parsed);
    else
      return {};
  }
  std::string json_schema() const { return pattern.empty() ? scalar_schema() : string_schema(pattern); }
};
template <class T>
ParsedText<T> text(std::string_view what, Parsed<T> (*parse)(std::string_view),
                   std::string_view pattern = "") {
  return {what, parse, pattern};
}

// A list of values of one kind.
template <class K>
struct List {
  using Type = std::vector<typename K::Type>;
  std::string what;
  K item;
  std::string_view if_empty{};  // the error for an empty list; empty: it is allowed
  bool or_one = false;          // a single value is taken as a list of one
  std::size_t most = 1000;

  std::optional<Type> read(const Value& value) const {
    Type found;
    const std::vector<Value> items = or_one ? value.items_or_one() : value.items(most);
    if (value.is_list() && items.empty() && !if_empty.empty()) value.complain(std::string(if_empty));
    for (const Value& one : items)
      if (auto read = item.read(one)) found.push_back(std::move(*read));
    return found;
  }
  std::string words() const { return what; }
  std::string shown(const Type& items) const {
    std::string text;
    for (const auto& one : items) text.append(text.empty() ? "" : ", ").append(yaml_item(item.shown(one)));
    return '[' + text + ']';
  }
  std::string json_schema() const {
    const std::string list = list_schema(item.json_schema(), if_empty.empty() ? 0 : 1, most);
    return or_one ? any_of({item.json_schema(), list}) : list;
  }
};
template <class K>
List<K> list_of(std::string what, K item, std::string_view if_empty = "") {
  return {std::move(what), std::move(item), if_empty};
}
template <class K>
List<K> list_or_one(std::string what, K item, std::string_view if_empty = "") {
  return {std::move(what), std::move(item), if_empty, true};
}

// A value with its own rules, read by a function: Custom makes a new value, CustomPart fills a part of a
// structure.
template <class T>
struct Custom {
  using Type = T;
  std::optional<T> (*read_value)(const Value&);
  std::string_view what;
  std::string schema;
  std::string_view usual;  // how the default is shown
  std::optional<T> read(const Value& value) const { return read_value(value); }
  std::string words() const { return std::string(what); }
  std::string shown(const T&) const { return std::string(usual); }
  std::string json_schema() const { return schema; }
};
template <class M>
struct CustomPart {
  void (*read)(const Value&, M&);
  std::string_view what;
  std::string schema;
  std::string_view usual;
  void read_into(const Value& value, M& to) const { read(value, to); }
  std::string words() const { return std::string(what); }
  std::string shown(const M&) const { return std::string(usual); }
  std::string json_schema() const { return schema; }
};
template <class T>
Custom<T> custom(std::optional<T> (*read)(const Value&), std::string_view what, std::string schema,
                 std::string_view usual = "") {
  return {read, what, std::move(schema), usual};
}
template <class M>
CustomPart<M> custom(void (*read)(const Value&, M&), std::string_view what, std::string schema,
                     std::string_view usual = "") {
  return {read, what, std::move(schema), usual};
}

// The path to a field of a JSON text, such as /data/kind.
struct JsonField {
  using Type = base::JsonPath;
  std::optional<base::JsonPath> read(const Value& value) const;
  std::string words() const { return "path of a JSON field"; }
  std::string shown(const base::JsonPath& path) const { return std::string(path.text()); }
  std::string json_schema() const { return string_schema("/.*"); }
};
inline JsonField json_field() { return {}; }

}  // namespace postern::config
