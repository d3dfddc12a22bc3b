// The server room knows listeners, clients' connections and draining; it gives each client its exchanges;
// it must not know YAML or other threads.
//
// What a worker's connections share at this moment: the pin is swapped by a reload, between two turns.
#pragma once

#include "net/loop.h"
#include "proxy/services.h"
#include "proxy/snapshot.h"
#include "server/client_counts.h"
#include "telemetry/log.h"

namespace postern::server {

struct Current {
  net::Loop& loop;
  proxy::Services& services;
  const telemetry::Logger& log;
  proxy::Pin pin;
  ClientCounts& clients;  // the process's
  // Connections that were turned away; the log hears of one in a second.
  base::Instant refusal_told{};
  uint64_t refusals_untold = 0;
};

}  // namespace postern::server
