// Ownership of a stream to an endpoint. The destructor closes the stream, and returns its connection to the
// pool when it is reusable. The lease holds its permit for its whole lifetime.
#pragma once

#include <utility>

#include "upstream/permit.h"

namespace postern::upstream {

class Lease {
 public:
  Lease() = default;
  // `connection` belongs to the pool of the permit's endpoint. `permit` must not be empty.
  Lease(Permit permit, Connection& connection, http::UpstreamStream& stream)
      : permit_(std::move(permit)), connection_(&connection), stream_(&stream) {}
  Lease(Lease&& other) noexcept
      : permit_(std::move(other.permit_)),
        connection_(std::exchange(other.connection_, nullptr)),
        stream_(std::exchange(other.stream_, nullptr)) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(permit_, other.permit_);
    std::swap(connection_, other.connection_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Lease() { close(); }

  // After take_tunnel(): frees the connection when nothing but its transport is left of it. The permit stays.
  void close_if_transport_taken() {
    if (stream_ && connection_->transport_taken()) close();
  }

  // False: empty, or closed by close_if_transport_taken(); the permit may still be held.
  explicit operator bool() const { return stream_ != nullptr; }
  http::UpstreamStream* operator->() const { return stream_; }
  http::UpstreamStream& operator*() const { return *stream_; }
  const EndpointRef& endpoint() const { return permit_.endpoint(); }

 private:
  void close() {
    if (stream_) endpoint()->pool().close_stream(*connection_, *stream_);
    connection_ = nullptr;
    stream_ = nullptr;
  }

  Permit permit_;
  Connection* connection_ = nullptr;
  http::UpstreamStream* stream_ = nullptr;
};

}  // namespace postern::upstream
