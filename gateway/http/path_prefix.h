// What lies below a path, as rules by path mean it.
#pragma once

#include <string_view>

namespace postern::http {

// "/api", or "/api/", has "/api" and "/api/x" below it, not "/apix"; "/" has everything. Both as they are
// written: nothing is decoded or resolved.
inline bool is_below(std::string_view path, std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace postern::http
