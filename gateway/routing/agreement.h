// One route for a path, however it is read (http/path_readings.h): no reading may lead to a route with other
// policies than those that judge the request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "http/path_readings.h"
#include "routing/table.h"

namespace postern::routing {

// Where one reading leads.
struct Landing {
  std::string_view reading;
  const Route* route;  // null: no route takes it
};

// A sentence that names each route, once and with a reading of it; "no route" only beside a single one.
std::string disagreement(const std::vector<Landing>& landings);

// `match` gives the Match of one reading. Two readings agree when they lead to the same route; also when
// neither leads to one, since then none passes. The result is that of the path as it came. The sentence says
// why the path is refused.
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
