// The keys of `match` of a route: which requests it takes.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// Fills hosts, paths, exact, methods and conditions of a route.
struct Match {
  void read_into(const Value& value, RouteDocument& route) const;
  std::string words() const { return "map"; }
  std::string shown(const RouteDocument&) const { return "every request"; }
  std::string json_schema() const;
  Shape shape() const { return Shape::section; }
  const Section* section() const;
};

}  // namespace postern::config
