// What the gateway notices about a route by itself, though no request and no socket has failed. Shown the
// same in the log and in the admin listener's status.
#pragma once

#include <string_view>

namespace postern::telemetry {

struct Finding {
  std::string_view label;    // the event in the log
  std::string_view meaning;  // what was seen
  std::string_view remedy;   // what to do about it
};

inline constexpr Finding silent_route{
    "silent_route",
    "Sockets of the route have heard their endpoint, and for five minutes nothing more has come on any.",
    "Look at whether the backend still sends what this route is for; its pages wait for it. Where it has "
    "nothing to say for so long, nothing is wrong."};

}  // namespace postern::telemetry
