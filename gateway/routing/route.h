// A route as it runs: which requests it takes, what is asked of them, and where they go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "routing/host_matcher.h"

namespace postern::routing {

struct Route {
  std::string name;
  HostPattern host;
  std::string path = "/";            // normalised, see read_route_path
  bool exact = false;                // the path and nothing below it
  std::vector<std::string> methods;  // as they stand in requests, case-sensitive; empty: any
  policy::Pipeline pipeline;
  bool answers_preflights = false;    // it has an origin list
  size_t upstream = 0;                // index into the snapshot's upstreams
  std::optional<uint64_t> body_size;  // bytes, for bodies that stream; 0: no limit; nothing: the general one
};

}  // namespace postern::routing
