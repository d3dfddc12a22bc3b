// A permit of an endpoint: it counts against max_requests and as load of the endpoint while it exists. It is
// taken when an endpoint is chosen, before a connection exists, so that the requests of a burst are counted
// too.
#pragma once

#include <utility>

#include "upstream/endpoint.h"

namespace postern::upstream {

class Permit {
 public:
  Permit() = default;
  // Empty when the endpoint is at its limit.
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
