// What the rules of a route's WebSockets say to those that are open already.
#pragma once

#include <cstdint>

#include "routing/socket_rules.h"
#include "routing/stream_rules.h"

namespace postern::config {

// A number for all of `rules` that an open socket is held to: the same for rules that hold it to the same,
// with all likelihood another one for others. What is for sockets that are still to come, and what has no
// effect, is not in it. `has_tokens`: the route knows tokens, which may expire.
uint64_t socket_fingerprint(const routing::SocketRules& rules, bool has_tokens);

// The same for the rules of event streams.
uint64_t stream_fingerprint(const routing::StreamRules& rules, bool has_tokens);

}  // namespace postern::config
