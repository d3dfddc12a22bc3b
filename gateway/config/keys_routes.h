// The keys of `routes`.
#pragma once

#include <memory>

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// The kind of `paths`: `unchanged` (false) or `strict` (true).
Words<bool> strict_paths();

// The list of routes. Each route begins with the settings that the document has for all routes, which must be
// read before.
struct Routes {
  void read_into(const Value& value, Document& document) const;
  std::string words() const { return "list"; }
  std::string shown(const Document&) const { return {}; }
  std::string json_schema() const;
  Shape shape() const { return Shape::list; }
  const Section* section() const;
};

}  // namespace postern::config
