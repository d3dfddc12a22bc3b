// The limits of the demo application, with default values that suit a demonstration.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "http/limits.h"
#include "websocket/message_codec.h"

namespace postern::demo {

struct Options {
  size_t connections = 256;      // connections of every kind at a time; more wait in the kernel's queue
  size_t body_size = 64 * 1024;  // of a request body, which is read and discarded
  base::Duration body_limit = std::chrono::seconds(15);
  base::Duration write_limit = std::chrono::seconds(30);  // for a client to take an answer
  base::Duration tick = std::chrono::seconds(1);        // between two events, and between two ticker messages
  base::Duration stream_limit = std::chrono::hours(1);  // of an event stream, a ticker, a silent echo
  base::Duration close_limit = std::chrono::seconds(2);  // for the client to end a WebSocket after Close
  base::Duration stop_limit = std::chrono::seconds(2);   // from stop() until what is left is cut
  http::ServerLimits server;
  websocket::MessageLimits messages;
};

}  // namespace postern::demo
