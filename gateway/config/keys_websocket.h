// The keys of `websocket` and of `event_streams`, for all routes and on one.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const SocketKeys<WebSocketDocument>& socket_keys();
const SocketKeys<routing::StreamRules>& stream_keys();

}  // namespace postern::config
