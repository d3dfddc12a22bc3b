// Findings: what the gateway itself notices about a route or an endpoint although no request and no socket
// has failed. They are shown in the same words in the log and in the status of the admin listener.
#pragma once

#include <span>
#include <string_view>

#include "telemetry/deviation.h"
#include "telemetry/metrics.h"

namespace postern::telemetry {

struct Finding {
  std::string_view label;    // the event name in the log
  std::string_view meaning;  // what was observed
  std::string_view remedy;   // what to do about it
};

inline constexpr Finding silent_route{
    "silent_route",
    "Sockets of the route have heard their endpoint, and for five minutes nothing more has come on any.",
    "Look at whether the backend still sends what this route is for; its pages wait for it. Where it has "
    "nothing to say for so long, nothing is wrong."};

inline constexpr Finding logout_unnamed{
    "logout_unnamed",
    "A client has logged out, and its token has neither sid nor jti to name its session by: nothing ends.",
    "Let the issuer put the session into its tokens as sid."};

inline constexpr Finding renewal_failed{
    "renewal_failed",
    "A client has got a new token from the application, and the gateway has found none in the answer that it "
    "accepts: what the session has open ends with its older token.",
    "Look at token and use of the route's refresh_calls: where the answer has the token, and by which rules "
    "under jwt it is checked."};

// The finding and the counter of each deviation.
struct DeviationRow {
  Deviation deviation;
  EndpointCount count;
  Finding finding;
};
std::span<const DeviationRow> deviation_rows();  // in their order
inline const DeviationRow& row_of(Deviation deviation) {
  return deviation_rows()[static_cast<size_t>(deviation)];
}

}  // namespace postern::telemetry
