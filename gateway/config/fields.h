// What decoding sees of a tree of nodes: values that know their key path and report their own errors, and
// maps that know which keys they may hold. When an accessor of Value returns no value, the reason has been
// reported, or the node is Node::broken.
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

// One node with its key path. It refers to the node and the diagnostics, and both must outlive it. Cheap to
// copy.
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

  // Adds an error, or a warning, about this value.
  void complain(std::string sentence) const;
  void warn(std::string sentence) const;
  // Adds the error `"key" rule` about a key of this map, without a value that may be glued to it.
  void complain_of_key(const Key& key, std::string_view rule) const;
  // Adds the error `"value" rule; write "better"`. The value is quoted as written in the file.
  void refuse(const Complaint& complaint) const;
  // The value as written in the file, in quotes.
  std::string quote() const;

  // Returns the scalar, which must have one line and not be empty. Valid as long as the node.
  std::optional<std::string_view> text() const;
  // The same; the scalar may have several lines, and tabs.
  std::optional<std::string_view> lines() const;

  // Returns what `parse` makes of the scalar.
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
  // Returns a number from `least` to `most`, both included; for size(), in bytes. `or_else` is the word that
  // the key takes in place of a number ("none"), for the text of an error.
  std::optional<uint64_t> number(uint64_t least, uint64_t most, std::string_view or_else = "") const;
  std::optional<uint64_t> size(uint64_t least, uint64_t most, std::string_view or_else = "") const;
  // The same for a duration.
  std::optional<std::chrono::milliseconds> duration(std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most,
                                                    std::string_view or_else = "") const;
  // Returns the index of the value in `words`. The error for any other value has a suggestion.
  std::optional<std::size_t> one_of(const std::vector<std::string_view>& words) const;

  // Returns the items of a list, with "[N]" appended to their paths. More than `most` items are an error; the
  // rest is left out.
  std::vector<Value> items(std::size_t most = 1000) const;
  // The same; a single value is taken as a list of one.
  std::vector<Value> items_or_one() const;
  // Returns the entries of a map whose keys the operator chooses; "*" stands for a key in the schema path.
  // More than 10,000 are an error; the rest is left out. `wanted` describes the map in an error.
  std::vector<std::pair<Key, Value>> entries(std::string_view wanted = "a map") const;

 private:
  void refuse_range(const std::string& least, const std::string& most, std::string_view or_else) const;
  bool is_kind(Node::Kind kind, std::string_view wanted) const;
  bool complain_of_missing_space(Node::Kind wanted) const;
  // Reports "none" where it is not allowed, and other words for it ("off") where it is. `most` is the largest
  // value allowed.
  bool complain_of_none(const std::string& most, std::string_view or_else) const;
  std::string example_of(Node::Kind wanted) const;
  std::size_t count_up_to(std::size_t most) const;

  const Node* node_;
  std::string path_;
  std::string schema_;
  Diagnostics* diagnostics_;
};

// A map with fixed keys. The constructor reports unknown keys.
class Fields {
 public:
  // `known` are the keys of the section that reads the map. If the value is not a map, this is an error, and
  // the object holds no keys.
  Fields(const Value& value, const std::vector<std::string_view>& known);

  // False when the value is not a map, which has been reported: do not report missing keys then.
  bool is_map() const { return is_map_; }

  const Value& value() const { return value_; }

  // Returns the value of `key`; nullopt: the map does not have it. `key` must be a known key.
  std::optional<Value> take(std::string_view key) const;

  // The same; a missing key is an error, unless an unknown key of the map is likely a misspelling of it.
  std::optional<Value> need(std::string_view key) const;

  // Whether the map has an unknown key that is likely a misspelling of `key`.
  bool is_misspelt(std::string_view key) const;

  // Records that the value of `key` had an error, which has been reported.
  void note_refused(std::string_view key) { refused_.push_back(key); }
  // Whether the map has `key`, with a value that could be read.
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

// Reports a name, chosen by the operator, that parse_name() refuses.
void check_name(const Value& map, const Key& key);

// Assigns what an accessor returned; when it returned nothing, the member keeps its default.
template <class T, class U>
void set(T& member, std::optional<U>&& found) {
  if (found) member = static_cast<T>(std::move(*found));
}

}  // namespace postern::config
