// The keys of `compression`, for all routes and on one.
#pragma once

#include <optional>

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// `true`, `false` or a map. A map changes only the keys that it names: of the rules that the document has for
// all routes, or of the defaults.
struct Compression {
  void read_into(const Value& value, std::optional<coding::Rules>& compression) const;
  std::string words() const { return "true, false or map"; }
  std::string shown(const std::optional<coding::Rules>&) const { return "false"; }
  std::string json_schema() const;
  Shape shape() const { return Shape::section; }
  const Section* section() const;
};

}  // namespace postern::config
