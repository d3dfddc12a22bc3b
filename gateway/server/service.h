// Serves the requests of one client connection: its streams, and the exchange of each stream. Every protocol
// has its own service. It begins when everything before the first request is done: see client_connection.h.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/scope.h"
#include "base/task.h"
#include "http/stream.h"
#include "server/current.h"
#include "server/listener_settings.h"

namespace postern::server {

// What a service uses; all of it outlives the service.
struct ServiceContext {
  Current& current;
  base::Scope& scope;        // of the connection
  http::ClientFacts& facts;  // they change only between two requests
  const ListenerSettings& settings;
};

class Service {
 public:
  Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  virtual ~Service() = default;  // drops the exchanges that still run

  // Runs from the first request to the last byte of the connection, or until a tunnel takes the connection.
  // Returns an error when the scope was cancelled.
  virtual base::Task<base::Result<void>> serve() = 0;
  virtual void drain() = 0;                  // serves no requests after the current ones
  virtual void cancel(base::Cause why) = 0;  // ends every current exchange now
  virtual size_t exchanges() const = 0;      // number of current exchanges
};

// The protocols in which clients are served. It is the one place of this module that knows which there are.
class Protocols {
 public:
  Protocols() = default;
  Protocols(const Protocols&) = delete;
  Protocols& operator=(const Protocols&) = delete;
  virtual ~Protocols() = default;

  // Returns the service of the protocol that the client speaks: so far HTTP/1.1. A test may serve a protocol
  // of its own.
  virtual std::unique_ptr<Service> serve(const ServiceContext& context,
                                         std::unique_ptr<net::Transport> transport) const;
};

}  // namespace postern::server
