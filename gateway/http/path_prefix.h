// Prefix matching of paths at segment boundaries, as path rules use it.
#pragma once

#include <string_view>

namespace postern::http {

// "/api" and "/api/" match "/api" and "/api/x", but not "/apix"; "/" matches everything. Both texts are
// compared as they are: nothing is decoded or resolved.
inline bool is_below(std::string_view path, std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace postern::http
