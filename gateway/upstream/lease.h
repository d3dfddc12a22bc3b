// A connection to an endpoint, and the duty to give it back: to the pool when it was left clean, else to be
// closed. While the lease lives it counts as load of its endpoint.
#pragma once

#include <memory>
#include <utility>

#include "upstream/endpoint.h"

namespace postern::upstream {

class Lease {
 public:
  Lease() = default;
  // The endpoint's turn buries what must not be freed at once.
  Lease(base::Turn& turn, EndpointRef endpoint, std::unique_ptr<http1::ClientConnection> connection)
      : turn_(&turn), endpoint_(std::move(endpoint)), connection_(std::move(connection)) {
    endpoint_->enter();
  }
  Lease(Lease&& other) noexcept
      : turn_(other.turn_),
        endpoint_(std::move(other.endpoint_)),
        connection_(std::move(other.connection_)) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(turn_, other.turn_);
    std::swap(endpoint_, other.endpoint_);
    std::swap(connection_, other.connection_);
    return *this;
  }
  ~Lease() {
    if (!endpoint_) return;
    endpoint_->leave();
    if (!connection_) return;
    if (connection_->reusable())
      endpoint_->give_back(std::move(connection_));
    else
      turn_->graveyard.bury(std::move(connection_));
  }

  explicit operator bool() const { return connection_ != nullptr; }
  http1::ClientConnection* operator->() const { return connection_.get(); }
  http1::ClientConnection& operator*() const { return *connection_; }
  const EndpointRef& endpoint() const { return endpoint_; }

 private:
  base::Turn* turn_ = nullptr;
  EndpointRef endpoint_;
  std::unique_ptr<http1::ClientConnection> connection_;
};

}  // namespace postern::upstream
