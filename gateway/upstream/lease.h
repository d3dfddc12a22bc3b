// Ownership of a connection to an endpoint. The destructor returns the connection to the pool when it is
// reusable, or else closes it. The lease holds its permit for its whole lifetime.
#pragma once

#include <memory>
#include <utility>

#include "upstream/permit.h"

namespace postern::upstream {

class Lease {
 public:
  Lease() = default;
  // `turn` buries what must not be freed at once. `permit` must not be empty.
  Lease(base::Turn& turn, Permit permit, std::unique_ptr<http1::ClientConnection> connection)
      : turn_(&turn), permit_(std::move(permit)), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept {
    std::swap(turn_, other.turn_);
    std::swap(permit_, other.permit_);
    std::swap(connection_, other.connection_);
    return *this;
  }
  ~Lease() {
    if (!connection_) return;
    if (connection_->reusable())
      endpoint()->give_back(std::move(connection_));
    else
      turn_->graveyard.bury(std::move(connection_));
  }

  explicit operator bool() const { return connection_ != nullptr; }
  http1::ClientConnection* operator->() const { return connection_.get(); }
  http1::ClientConnection& operator*() const { return *connection_; }
  const EndpointRef& endpoint() const { return permit_.endpoint(); }

 private:
  base::Turn* turn_ = nullptr;
  Permit permit_;
  std::unique_ptr<http1::ClientConnection> connection_;
};

}  // namespace postern::upstream
