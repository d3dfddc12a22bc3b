// The server module knows listeners, client connections and draining. It gives each client its exchanges. It
// must not know YAML or other threads.
//
// This file: what the connections of one worker share at the moment. A reload replaces the pin between two
// turns.
#pragma once

#include "net/loop.h"
#include "proxy/services.h"
#include "proxy/snapshot.h"
#include "state/client_counts.h"
#include "telemetry/line_rate.h"
#include "telemetry/log.h"

namespace postern::server {

class Protocols;

extern const Protocols usual_protocols;  // so far HTTP/1.1 for every client

struct Current {
  net::Loop& loop;
  proxy::Services& services;
  const telemetry::Logger& log;
  proxy::Pin pin;
  state::ClientCounts& clients;     // of the process
  telemetry::LineRate refusals{1};  // rate limit for log lines about refused connections
  telemetry::LineRate failed_handshakes{20};
  const Protocols& protocols = usual_protocols;
};

}  // namespace postern::server
