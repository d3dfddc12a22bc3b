// Compiles the `websocket` section of a route into the rules for its sockets.
#pragma once

#include <memory>

#include "config/compile_policy.h"
#include "config/document.h"
#include "routing/socket_rules.h"

namespace postern::config {

// Returns the least FrameMode that the rules of the document need.
routing::FrameMode least_mode(const WebSocketDocument& document);

// Compiles the rules of a route. Where the file has no mode, or one that is too low for the rules, the result
// has the mode that the rules need.
std::shared_ptr<const routing::SocketRules> socket_rules(const RouteDocument& route,
                                                         PolicyCompiler& policies);

// Returns a number for everything in the rules that applies to open sockets. `rules` must be compiled from
// `document`. Equal rules give the same number, and other rules with very high probability another one. Keys
// that apply only to new sockets (Holds::new_only), and keys without effect, do not change the number.
// `limits` are the rate limits that `rules` refers to by index. `has_tokens`: the route verifies tokens,
// which may expire.
uint64_t socket_fingerprint(WebSocketDocument document, const routing::SocketRules& rules,
                            const std::vector<state::RateLimitSettings>& limits, bool has_tokens);

// Returns such a number for the rules of event streams.
uint64_t stream_fingerprint(routing::StreamRules rules, bool has_tokens);

}  // namespace postern::config
