// Chooses one route for a path, in all its readings (http/path_readings.h): no reading may lead to a route
// with other policies than those that judge the request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "http/path_readings.h"
#include "routing/table.h"

namespace postern::routing {

// The route that one reading leads to.
struct Landing {
  std::string_view reading;
  const Route* route;  // null: no route matches
};

// Returns a sentence that names each route once, with one of its readings. It mentions "no route" only next
// to a single route.
std::string disagreement(const std::vector<Landing>& landings);

// `match` returns the Match of one reading. Two readings agree when they lead to the same route, and when
// neither leads to a route, because then no request passes. The result is the match of the path itself. The
// error sentence says why the path is refused.
template <class MatchReading>
tl::expected<Match, std::string> match_every_reading(std::string_view path, const MatchReading& match) {
  const auto readings = http::PathReadings::of(path);
  if (!readings) return tl::unexpected(std::string(readings.error()));
  const std::vector<std::string>& texts = readings->texts();
  Match found = match(std::string_view(texts.front()));
  bool agree = true;
  std::vector<Landing> landings;
  if (texts.size() > 1) {
    landings.push_back({texts.front(), found.route});
    for (size_t i = 1; i < texts.size(); ++i) {
      landings.push_back({texts[i], match(std::string_view(texts[i])).route});
      agree = agree && landings.back().route == found.route;
    }
  }
  if (!agree) return tl::unexpected(disagreement(landings));
  return found;
}

}  // namespace postern::routing
