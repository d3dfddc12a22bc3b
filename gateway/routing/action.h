// What becomes of a request that passed its route's policies. One alternative per action; proxy/exchange.cpp
// has a branch for each, config/compile_action.cpp makes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "files/site.h"
#include "http/local_response.h"
#include "policy/text_template.h"

namespace postern::routing {

// Goes to an endpoint.
struct ToUpstream {
  size_t group = 0;  // index into the snapshot's upstreams
};

// Is answered with what the configuration says, whatever the method. OPTIONS gets 204 with `allow` instead
// where the answer is a success; an empty `allow` is for answers that are none.
struct Respond {
  http::LocalResponse response;
  std::string allow;
};

// Is sent elsewhere.
struct Redirect {
  uint16_t status = 307;
  policy::TextTemplate to;
};

// Is answered with a file of a folder.
struct Files {
  std::shared_ptr<const files::Site> site;
};

using Action = std::variant<ToUpstream, Respond, Redirect, Files>;

}  // namespace postern::routing
