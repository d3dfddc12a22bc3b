// Keys of Vite, nginx, HAProxy, Traefik, Caddy and Envoy that people try to use here. For each there is
// advice: what to write in Postern, or what to do since Postern has no such feature yet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

struct ForeignKey {
  std::string_view name;    // in lower case, without "_" and "-"
  std::string_view ours;    // Postern's key with this meaning in the same map; empty: none
  std::string_view advice;  // follows `unknown key "x"; ` in a sentence
};

// Returns the row for `key` in any spelling (proxyPass, proxy_pass, proxy-pass), or null. Of several rows,
// the one whose `ours` is among `known` is returned; `known` are the keys of the map.
const ForeignKey* find_foreign_key(std::string_view key, const std::vector<std::string_view>& known = {});

// Returns a text that says in which maps `key` is a known key: "it is a key of routes[].match". Empty when
// there is none, or more than two.
std::string places_of_key(std::string_view key);

}  // namespace postern::config
