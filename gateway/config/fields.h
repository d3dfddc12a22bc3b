// The view that decoding has of a tree of nodes: values that know their key path and complain by themselves,
// and maps that know which keys they may hold. An accessor that returns nothing has said why.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostics.h"
#include "config/values.h"
#include "config/yaml_reader.h"

namespace postern::config {

class Fields;

// One node with its key path. Borrows the node and the diagnostics: both outlive it. Cheap to copy.
class Value {
 public:
  // `schema` is the path in config/schema.h: "listeners[].tls" for the path "listeners[0].tls".
  Value(const Node& node, std::string path, std::string schema, Diagnostics& diagnostics)
      : node_(&node), path_(std::move(path)), schema_(std::move(schema)), diagnostics_(&diagnostics) {}

  const Node& node() const { return *node_; }
  SourceLocation location() const { return node_->location; }
  const std::string& path() const { return path_; }
  const std::string& schema() const { return schema_; }
  Diagnostics& diagnostics() const { return *diagnostics_; }

  bool is_scalar() const { return node_->kind == Node::Kind::scalar; }
  bool says_none() const { return is_scalar() && node_->text == "none"; }
  bool is_map() const { return node_->kind == Node::Kind::map; }
  bool is_list() const { return node_->kind == Node::Kind::sequence; }

  void complain(std::string sentence) const;
  void warn(std::string sentence) const;
  // `"value" rule; write "better"`. What the environment put in is shown as it was written.
  void refuse(const Complaint& complaint) const;
  // The value as it is written, in quotes.
  std::string quote() const;

  // The scalar, not empty, of one line. Valid as long as the node.
  std::optional<std::string_view> text() const;
  // The same, which may have several lines, and tabs.
  std::optional<std::string_view> lines() const;

  // The scalar as `parse` reads it.
  template <class T>
  std::optional<T> parsed(Parsed<T> (*parse)(std::string_view)) const {
    const auto scalar = text();
    if (!scalar) return std::nullopt;
    Parsed<T> result = parse(*scalar);
    if (!result) {
      refuse(result.error());
      return std::nullopt;
    }
    return std::move(*result);
  }

  std::optional<bool> boolean() const { return parsed(parse_boolean); }
  // A number from `least` to `most`. `or_else`: what may stand there instead ("none"), for what is said of
  // others.
  std::optional<uint64_t> number(uint64_t least, uint64_t most, std::string_view or_else = "") const;
  std::optional<uint64_t> size(uint64_t least, uint64_t most, std::string_view or_else = "") const;
  // A duration from `least` to `most`, both included.
  std::optional<std::chrono::milliseconds> duration(std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most,
                                                    std::string_view or_else = "") const;
  // One of `words`; the index of it. Others are refused with a suggestion.
  std::optional<std::size_t> one_of(const std::vector<std::string_view>& words) const;

  // The items of a list, "[N]" behind their paths. More than `most` are refused, and left out.
  std::vector<Value> items(std::size_t most = 1000) const;
  // The same, where a single value may stand for a list of one.
  std::vector<Value> items_or_one() const;
  // The entries of a map whose keys the operator chooses; "*" stands for them in the schema path.
  // More than 10,000 are refused, and left out. `wanted`: what it must be, in words.
  std::vector<std::pair<Key, Value>> entries(std::string_view wanted = "a map") const;

 private:
  void refuse_range(const std::string& least, const std::string& most, std::string_view or_else) const;
  bool is_kind(Node::Kind kind, std::string_view wanted) const;
  bool complain_of_missing_space(Node::Kind wanted) const;
  // Of "none" where it may not stand, and of other words for it where it may; `most` is the largest value.
  bool complain_of_none(const std::string& most, std::string_view or_else) const;
  std::string example_of(Node::Kind wanted) const;
  std::size_t count_up_to(std::size_t most) const;

  const Node* node_;
  std::string path_;
  std::string schema_;
  Diagnostics* diagnostics_;
};

// A map with fixed keys, those of its schema path. Says at once which keys it does not know.
class Fields {
 public:
  // Not a map: says so, and holds nothing.
  explicit Fields(const Value& value);

  // The same with `known` for keys, which are those of the section that reads the map.
  Fields(const Value& value, const std::vector<std::string_view>& known);

  // False when the value was no map, so that nothing need be said about missing keys.
  bool is_map() const { return is_map_; }

  const Value& value() const { return value_; }

  // The value of `key`, or nothing. `key` must be a known one.
  std::optional<Value> take(std::string_view key) const;

  // The same, and a complaint when it is missing (but not when an unknown key was taken for it).
  std::optional<Value> need(std::string_view key) const;

  // Was an unknown key met that is likely a misspelling of `key`?
  bool is_misspelt(std::string_view key) const;

  // The value of `key` was not what it must be, and that has been said.
  void note_refused(std::string_view key) { refused_.push_back(key); }
  // Is `key` there, with a value that could be read?
  bool is_good(std::string_view key) const;

 private:
  void refuse_key(const Key& key, const Value& entry);
  std::string_view empty_section_for(std::string_view key) const;

  Value value_;
  std::vector<std::string_view> known_;
  std::vector<std::string_view> misspelt_;
  std::vector<std::string_view> refused_;
  bool is_map_;
};

// Complains of a chosen name that is no name for logs and metrics, see parse_name().
void check_name(const Key& key, const Value& entry);

// Puts what an accessor found into a member, and leaves the default when it found nothing.
template <class T, class U>
void set(T& member, std::optional<U>&& found) {
  if (found) member = static_cast<T>(std::move(*found));
}

}  // namespace postern::config
