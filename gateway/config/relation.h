// Relations between the keys of one map. A section declares them after its keys (config/key.h). Decoding
// reports the sentence of a relation that does not hold, and the JSON Schema of the map refuses the same
// maps, except where an environment variable turns a switch on or off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields.h"

namespace postern::config {

class Relation {
 public:
  enum class Kind : uint8_t {
    at_most_one,   // of the keys; the error stands at each further key, and "{}" in it is the first
    at_least_one,  // of the keys, or of all keys if none are named; the error stands at the map
    exactly_one,   // of all keys; the error stands at the map, unless its only key is an unknown one
    needs,  // the first key needs the second; the error stands at the first, or, if the sentence is empty,
            // says that the second is missing
  };
  struct Key {
    std::string_view name;
    bool is_switch;  // `false` means the same as leaving the key out
  };

  // Names and sentence must be literals: they are not copied.
  Relation(Kind kind, std::vector<Key> keys, std::string_view sentence)
      : kind_(kind), keys_(std::move(keys)), sentence_(sentence) {}

  // Returns the error for `key` where an earlier key of at_most_one excludes it; such a key is not read.
  // Empty: there is no error.
  std::string out_of_place(std::string_view key, const Fields& fields) const;
  // Reports a relation of another kind that does not hold. Called when all keys are read.
  void check(const Fields& fields) const;
  std::string json_schema() const;

 private:
  Kind kind_;
  std::vector<Key> keys_;
  std::string_view sentence_;
};

}  // namespace postern::config
