// From the `websocket` section of a route to the rules that its sockets are run by.
#pragma once

#include <memory>

#include "config/compile_policy.h"
#include "config/document.h"
#include "routing/socket_rules.h"

namespace postern::config {

// The least that the rules need.
routing::FrameMode least_mode(const WebSocketDocument& document);

// The mode becomes the one that the rules need, where a lesser one is written or none.
std::shared_ptr<const routing::SocketRules> socket_rules(const RouteDocument& route,
                                                         PolicyCompiler& policies);

// A number for all that open sockets are held to by the `rules` that `document` was compiled to: the same for
// rules that hold them to the same, with all likelihood another one for others. What is for sockets that are
// still to come (Holds::new_only), and what has no effect, is not in it. `limits`: what the rules refer to.
// `has_tokens`: the route knows tokens, which may expire.
uint64_t socket_fingerprint(WebSocketDocument document, const routing::SocketRules& rules,
                            const std::vector<state::RateLimitSettings>& limits, bool has_tokens);

// The same for the rules of event streams.
uint64_t stream_fingerprint(routing::StreamRules rules, bool has_tokens);

}  // namespace postern::config
