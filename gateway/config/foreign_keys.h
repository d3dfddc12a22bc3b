// Keys that people bring along from Vite, nginx, HAProxy, Traefik, Caddy and Envoy, and what is written here
// instead, or that there is no such thing yet and what to do without it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

struct ForeignKey {
  std::string_view name;    // in lower case, without "_" and "-"
  std::string_view ours;    // the key of the same place that it stands for; empty: none
  std::string_view advice;  // goes on after `unknown key "x"; `
};

// The row for `key` however it is spelled (proxyPass, proxy_pass, proxy-pass), or null. Of several the one
// whose own key is among `known`, those of the place.
const ForeignKey* find_foreign_key(std::string_view key, const std::vector<std::string_view>& known = {});

// Where else in a file `key` may stand, in words: "path is a key of routes[].match"; empty when nowhere.
std::string places_of_key(std::string_view key);

}  // namespace postern::config
