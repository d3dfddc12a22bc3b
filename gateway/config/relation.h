// What the keys of one map need of each other. A section declares it behind its keys (config/key.h); `check`
// says the sentence of a relation, and the JSON Schema of the map refuses the same.
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
    at_most_one,   // of the keys; the sentence is said of each further one, and "{}" in it is the first
    at_least_one,  // of the keys, or of all keys where none are named; the sentence is said of the map
    exactly_one,   // of all keys; the sentence is said of the map, unless an unknown key stands for one
    needs,  // the second key beside the first; the sentence is said of the first, or, where it is empty,
            // that the second is missing
  };
  struct Key {
    std::string_view name;
    bool is_switch;  // `false` is as good as no such key
  };

  // Names and sentence are literals.
  Relation(Kind kind, std::vector<Key> keys, std::string_view sentence)
      : kind_(kind), keys_(std::move(keys)), sentence_(sentence) {}

  // Why `key` is out of place beside the others; empty: it is not. Such a key is not read.
  std::string out_of_place(std::string_view key, const Fields& fields) const;
  // Called when all keys are read.
  void check(const Fields& fields) const;
  std::string json_schema() const;

 private:
  Kind kind_;
  std::vector<Key> keys_;
  std::string_view sentence_;
};

}  // namespace postern::config
