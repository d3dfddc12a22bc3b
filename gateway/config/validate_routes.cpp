#include "config/validate_routes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "config/text.h"
#include "routing/host_matcher.h"
#include "routing/path_matcher.h"

namespace postern::config {
namespace {

using routing::HostPattern;

constexpr std::size_t most_addresses = 20'000;       // pairs of a host and a path, in all routes
constexpr std::size_t most_comparisons = 2'000'000;  // limits the time that a warning may cost
constexpr std::size_t most_named = 3;                // hosts in one warning

std::string item_path(std::size_t index) { return "routes[" + std::to_string(index) + ']'; }

// A host and a path that routes match.
struct Address {
  std::string host;  // empty: any
  std::string path;  // a prefix without the slash at its end
  bool exact = false;

  friend bool operator<(const Address& a, const Address& b) {
    return std::tie(a.host, a.path, a.exact) < std::tie(b.host, b.path, b.exact);
  }
};

class RouteValidation {
 public:
  RouteValidation(const Document& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  void run() {
    warn_of_routes_without_name();
    if (!collect_addresses()) return;
    check_unreachable_routes();
    warn_of_hosts_before_paths();
  }

 private:
  struct RouteAt {
    std::size_t route;
    std::string written;  // its path as written in the match
  };

  const RouteDocument& route(std::size_t index) const { return document_.routes[index]; }

  bool collect_addresses() {
    std::size_t count = 0;
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      const RouteDocument& one = route(index);
      if (!one.match_read) continue;
      const std::vector<std::string> any_host = {""};
      for (const std::string& host : one.hosts.empty() ? any_host : one.hosts) {
        for (const std::string& path : one.paths) {
          if (++count > most_addresses) {
            diagnostics_.error(one.match_location, item_path(index) + ".match",
                               "with this route there are more than " + std::to_string(most_addresses) +
                                   " pairs of a host and a path");
            return false;
          }
          std::string prefix = path;
          if (!one.exact && prefix.ends_with('/')) prefix.pop_back();
          routes_at_[{host, std::move(prefix), one.exact}].push_back({index, path});
        }
      }
    }
    return true;
  }

  // Metrics are compared over weeks, so a route needs a name that does not change.
  void warn_of_routes_without_name() {
    if (!document_.admin) return;
    std::size_t count = 0;
    std::size_t first = 0;
    for (std::size_t index = document_.routes.size(); index-- > 0;) {
      if (route(index).name_location.line > 0 || route(index).location.line == 0) continue;
      first = index;
      ++count;
    }
    if (count == 0 || document_.routes.size() == 1) return;
    const std::string others = count == 1 ? "" : " (and " + std::to_string(count - 1) + " more)";
    diagnostics_.warn(route(first).location, item_path(first),
                      "has no name" + others +
                          ": metrics and logs call it by its place, which changes when a route is put in "
                          "front; give it a name");
  }

  // ---- Routes that are never taken

  // The most specific route is taken. So only routes with the same address and the same conditions can hide
  // each other: a route is hidden when the routes before it take all of its methods.
  void check_unreachable_routes() {
    // For each hidden route, an entry for each of its addresses that is hidden: the route that hides it, and
    // a note on spellings.
    std::map<std::size_t, std::vector<std::pair<std::size_t, std::string>>> hidden;
    for (const auto& [address, routes] : routes_at_) {
      // Routes with methods come before those without, as in routing::Table.
      std::map<std::string, std::vector<RouteAt>> alike;
      for (const RouteAt& one : routes)
        alike[route(one.route).conditions ? route(one.route).conditions->text() : ""].push_back(one);
      for (auto& [conditions, same] : alike) find_hidden(same, hidden);
    }
    for (const auto& [index, by] : hidden) report_hidden(index, by);
  }

  void find_hidden(std::vector<RouteAt>& same,
                   std::map<std::size_t, std::vector<std::pair<std::size_t, std::string>>>& hidden) const {
    std::stable_sort(same.begin(), same.end(), [this](const RouteAt& a, const RouteAt& b) {
      return !route(a.route).methods.empty() && route(b.route).methods.empty();
    });
    std::map<std::string, const RouteAt*> taken;  // from a method to the route that takes it
    const RouteAt* takes_all = nullptr;
    for (const RouteAt& one : same) {
      const RouteAt* by = takes_all;
      bool is_hidden = takes_all != nullptr;
      const std::vector<std::string>& methods = route(one.route).methods;
      if (!is_hidden && !methods.empty()) {
        is_hidden = std::all_of(methods.begin(), methods.end(),
                                [&](const std::string& method) { return taken.contains(method); });
        if (is_hidden) by = taken[methods.front()];
      }
      if (is_hidden)
        hidden[one.route].emplace_back(by->route, spelling_note(one, *by));
      else if (methods.empty())
        takes_all = &one;
      else
        for (const std::string& method : methods) taken.emplace(method, &one);
    }
  }

  static std::string spelling_note(const RouteAt& one, const RouteAt& other) {
    if (one.written == other.written) return "";
    return " (" + config::quoted(other.written) + " and " + config::quoted(one.written) + " are one path)";
  }

  void report_hidden(std::size_t index, const std::vector<std::pair<std::size_t, std::string>>& by) {
    const RouteDocument& one = route(index);
    const std::size_t addresses = std::max<std::size_t>(one.hosts.size(), 1) * one.paths.size();
    const bool never = by.size() == addresses;
    const auto& [first, note] = by.front();
    const SourceLocation location = one.match_location.line > 0 ? one.match_location : one.location;
    const std::string key = one.match_location.line > 0 ? item_path(index) + ".match" : item_path(index);
    const std::string who = item_path(first) + in_line(route(first).location);
    if (never)
      diagnostics_.error(location, key, "can never be taken: " + who + " matches the same requests" + note);
    else
      diagnostics_.warn(location, key, who + " matches some of the same requests, and stands first" + note);
  }

  // ---- Hosts before paths

  // For example, one route has "/healthz" on any host, and another has all paths of one host. On that host,
  // the second route is taken.
  void warn_of_hosts_before_paths() {
    struct Host {
      std::string name;
      routing::PathMatcher paths;                                   // of routes without conditions
      std::vector<std::pair<const Address*, std::size_t>> entries;  // address and route of each
    };
    std::vector<Host> hosts;  // without the entry for any host
    for (const auto& [address, routes] : routes_at_) {
      if (address.host.empty()) continue;
      if (hosts.empty() || hosts.back().name != address.host) hosts.push_back({address.host, {}, {}});
      const auto plain = std::find_if(routes.begin(), routes.end(),
                                      [this](const RouteAt& one) { return !route(one.route).conditions; });
      if (plain == routes.end()) continue;
      if (hosts.back().paths.add(address.path, address.exact) == hosts.back().entries.size())
        hosts.back().entries.emplace_back(&address, plain->route);
    }
    std::size_t comparisons = 0;
    std::map<std::pair<std::size_t, std::string>, std::vector<std::pair<std::string, std::size_t>>> found;
    for (const auto& [address, routes] : routes_at_) {
      for (const Host& host : hosts) {
        if (++comparisons > most_comparisons) return;
        if (!takes(address.host, host.name)) continue;
        const auto entry = host.paths.match(address.path.empty() ? "/" : address.path);
        if (!entry) continue;
        const auto& [other, winner] = host.entries[*entry];
        if (!is_more_specific(address, *other)) continue;
        for (const RouteAt& one : routes) found[{one.route, one.written}].emplace_back(host.name, winner);
      }
    }
    for (const auto& [which, by] : found) report_outranked(which.first, which.second, by);
  }

  // Whether a route for the other host `outer` also takes requests for `inner`, which may be a wildcard;
  // false if they are equal.
  static bool takes(const std::string& outer, const std::string& inner) {
    if (outer == inner) return false;
    if (outer.empty()) return true;
    if (!outer.starts_with("*.")) return false;
    const std::string_view domain = std::string_view(outer).substr(1);
    const std::string_view name = std::string_view(inner).substr(inner.starts_with("*.") ? 1 : 0);
    return name.size() > domain.size() && name.ends_with(domain);
  }

  static bool is_more_specific(const Address& one, const Address& other) {
    if (one.exact != other.exact) return one.exact;
    return one.path.size() > other.path.size();
  }

  void report_outranked(std::size_t index, const std::string& path,
                        const std::vector<std::pair<std::string, std::size_t>>& by) {
    const RouteDocument& one = route(index);
    const auto& [host, winner] = by.front();
    std::string names;
    for (std::size_t i = 0; i < std::min(by.size(), most_named); ++i)
      names += (i == 0 ? "" : ", ") + config::quoted(by[i].first);
    if (by.size() > most_named) names += " and " + std::to_string(by.size() - most_named) + " more";
    std::string who = item_path(winner) + in_line(route(winner).location);
    if (by.size() > 1) who += " and the like";
    diagnostics_.warn(
        one.match_location, item_path(index) + ".match",
        config::quoted(path) + " on " + names + " goes to " + who +
            ", not here: a host outranks a path. If it is to come here, add the host to match.host "
            "of this route");
  }

  static std::string in_line(SourceLocation location) {
    return location.line > 0 ? " in line " + std::to_string(location.line) : "";
  }

  const Document& document_;
  Diagnostics& diagnostics_;
  std::map<Address, std::vector<RouteAt>> routes_at_;  // those of one address in the order of the file
};

}  // namespace

void validate_routes(const Document& document, Diagnostics& diagnostics) {
  RouteValidation(document, diagnostics).run();
}

}  // namespace postern::config
