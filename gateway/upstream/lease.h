// A connection to an endpoint, and the duty to give it back: to the pool when it was left clean, else to be
// closed. It holds its permit of the endpoint while it lives.
#pragma once

#include <memory>
#include <utility>

#include "upstream/permit.h"

namespace postern::upstream {

class Lease {
 public:
  Lease() = default;
  // The endpoint's turn buries what must not be freed at once. `permit` is one that was taken.
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
