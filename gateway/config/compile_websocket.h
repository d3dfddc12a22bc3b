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
std::shared_ptr<const routing::SocketRules> socket_rules(const WebSocketDocument& document,
                                                         PolicyCompiler& policies);

}  // namespace postern::config
