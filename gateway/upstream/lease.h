// A connection to an endpoint, and the duty to give it back: to the pool when it was left clean, else to be
// closed. It holds its place at the endpoint while it lives.
#pragma once

#include <memory>
#include <utility>

#include "upstream/place.h"

namespace postern::upstream {

class Lease {
 public:
  Lease() = default;
  // The endpoint's turn buries what must not be freed at once. `place` is one that was taken.
  Lease(base::Turn& turn, Place place, std::unique_ptr<http1::ClientConnection> connection)
      : turn_(&turn), place_(std::move(place)), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept {
    std::swap(turn_, other.turn_);
    std::swap(place_, other.place_);
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
  const EndpointRef& endpoint() const { return place_.endpoint(); }

 private:
  base::Turn* turn_ = nullptr;
  Place place_;
  std::unique_ptr<http1::ClientConnection> connection_;
};

}  // namespace postern::upstream
