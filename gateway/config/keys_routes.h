// The keys of `routes`.
#pragma once

#include <memory>

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// `unchanged` or `strict`, which is true.
Words<bool> strict_paths();

// The list of routes. Each begins with what holds for all of them.
struct Routes {
  void read_into(const Value& value, Document& document) const;
  std::string words() const { return "list"; }
  std::string shown(const Document&) const { return {}; }
  std::string json_schema() const;
  Shape shape() const { return Shape::list; }
  const Section* section() const;
};

}  // namespace postern::config
