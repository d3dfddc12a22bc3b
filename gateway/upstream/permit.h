// A permit of an endpoint: one of the max_requests it may have, and part of its load while it lives. Taken
// when an endpoint is chosen, before a connection is there, so that what comes in a burst is counted as well.
#pragma once

#include <utility>

#include "upstream/endpoint.h"

namespace postern::upstream {

class Permit {
 public:
  Permit() = default;
  // Empty when the endpoint has as many as it may.
  explicit Permit(const EndpointRef& endpoint) {
    if (endpoint->enter()) endpoint_ = endpoint;
  }
  Permit(Permit&& other) noexcept : endpoint_(std::move(other.endpoint_)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(endpoint_, other.endpoint_);
    return *this;
  }
  ~Permit() {
    if (endpoint_) endpoint_->leave();
  }

  explicit operator bool() const { return static_cast<bool>(endpoint_); }
  const EndpointRef& endpoint() const { return endpoint_; }

 private:
  EndpointRef endpoint_;
};

}  // namespace postern::upstream
