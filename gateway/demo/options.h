// The demonstration's limits: each has a name and a value that a demonstration can live with.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "http1/server_connection.h"
#include "websocket/message_codec.h"

namespace postern::demo {

struct Options {
  size_t connections = 256;      // sockets at a time, of every kind; more wait in the kernel's queue
  size_t body_size = 64 * 1024;  // of a request, which is read and forgotten
  base::Duration body_limit = std::chrono::seconds(15);
  base::Duration write_limit = std::chrono::seconds(30);  // for a client to take an answer
  base::Duration tick = std::chrono::seconds(1);         // between two events, and two messages of the ticker
  base::Duration stream_limit = std::chrono::hours(1);   // an event stream, a ticker, a silent echo
  base::Duration close_limit = std::chrono::seconds(2);  // for the client's side of a WebSocket's end
  base::Duration stop_limit = std::chrono::seconds(2);   // from stop() until the rest is cut
  http1::ServerLimits http;
  websocket::MessageLimits messages;
};

}  // namespace postern::demo
