// A connection for one exchange of the gateway's own, such as a health check. It is buried afterwards,
// however that ends: its transport may still be on the stack.
#pragma once

#include <memory>
#include <utility>

#include "base/turn.h"
#include "http/limits.h"
#include "upstream/connection.h"
#include "upstream/connector.h"

namespace postern::upstream {

class OwnConnection {
 public:
  OwnConnection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                const http::MessageLimits& response_limits)
      : turn_(turn), connection_(make_connection(turn, std::move(transport), response_limits)) {}
  ~OwnConnection() { turn_.graveyard.bury(std::move(connection_)); }
  OwnConnection(const OwnConnection&) = delete;
  OwnConnection& operator=(const OwnConnection&) = delete;

  Connection& operator*() { return *connection_; }
  Connection* operator->() { return connection_.get(); }

 private:
  base::Turn& turn_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace postern::upstream
