#include "proxy/socket_clients.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace postern::proxy {
namespace {

bool has_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') return true;
    if (end == query.npos) return false;
    query.remove_prefix(end + 1);
  }
  return false;
}

// Subprotocols of GraphQL, which define codes from 4400 to 4499 (and 4500), and the codes among them that
// have the gateway's meaning: bad request, unauthorized, forbidden. Their 4429 means too many initialisation
// messages, after which their clients never reconnect.
constexpr std::array<std::string_view, 2> with_codes_of_graphql = {"graphql-transport-ws", "graphql-ws"};
constexpr std::array<uint16_t, 3> same_meaning = {4400, 4401, 4403};

}  // namespace

bool needs_status(std::string_view query, std::string_view protocols) {
  if (has_parameter(query, "EIO") || has_parameter(query, "vsn")) return true;
  if (has_parameter(query, "clientProtocol") && has_parameter(query, "connectionToken")) return true;
  while (const auto protocol = base::next_element(protocols))
    if (*protocol == "vite-hmr" || *protocol == "vite-ping") return true;
  return false;
}

bool names_a_connection(std::string_view query) { return has_parameter(query, "id"); }

std::string_view negotiated_path(std::string_view path) {
  constexpr std::string_view last = "/negotiate";
  if (!path.ends_with(last)) return {};
  path.remove_suffix(last.size());
  return path.empty() ? std::string_view("/") : path;
}

bool may_hold_token(std::string_view subprotocol) {
  constexpr size_t shortest_token = 40;
  constexpr std::string_view marker = "bearer.";
  return base::equal_ignoring_case(subprotocol.substr(0, marker.size()), marker) ||
         (subprotocol.size() >= shortest_token &&
          std::count(subprotocol.begin(), subprotocol.end(), '.') >= 2);
}

bool may_say(uint16_t code, std::string_view protocols) {
  if (code < 4400 || code > 4500) return true;
  while (const auto protocol = base::next_element(protocols))
    if (std::find(with_codes_of_graphql.begin(), with_codes_of_graphql.end(), *protocol) !=
        with_codes_of_graphql.end())
      return std::find(same_meaning.begin(), same_meaning.end(), code) != same_meaning.end();
  return true;
}

}  // namespace postern::proxy
