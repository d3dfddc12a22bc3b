// The server module knows listeners, clients' connections and draining; it gives each client its exchanges;
// it must not know YAML or other threads.
//
// What a worker's connections share at this moment: the pin is swapped by a reload, between two turns.
#pragma once

#include "net/loop.h"
#include "proxy/services.h"
#include "proxy/snapshot.h"
#include "server/client_counts.h"
#include "telemetry/line_rate.h"
#include "telemetry/log.h"

namespace postern::server {

struct Current {
  net::Loop& loop;
  proxy::Services& services;
  const telemetry::Logger& log;
  proxy::Pin pin;
  ClientCounts& clients;            // the process's
  telemetry::LineRate refusals{1};  // of connections
  telemetry::LineRate failed_handshakes{20};
};

}  // namespace postern::server
