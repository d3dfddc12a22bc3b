#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

namespace postern::bench {

/// Owns one file descriptor; an empty one holds -1.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int value() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_ = -1;
};

/// A non-blocking listener on 127.0.0.1; port 0 lets the kernel choose. Throws std::system_error.
Descriptor listen_on_loopback(std::uint16_t port);

std::uint16_t local_port(const Descriptor& socket);

/// The next waiting connection, non-blocking and without delay, or an empty descriptor.
Descriptor accept_from(const Descriptor& listener);

/// Starts connecting to 127.0.0.1. Each index takes the next of fifty source addresses from 127.0.0.2,
/// because one address has too few ports for a large population. Throws std::system_error.
Descriptor connect_to_loopback(std::uint16_t port, std::uint32_t index);

/// Raises the soft limit of open files to the hard one.
void raise_descriptor_limit();

/// Edge-triggered epoll: every descriptor is registered once, for both directions and the peer's end of
/// stream.
class Poller {
 public:
  Poller();

  /// `owner` comes back in the event's data.ptr.
  void watch(int descriptor, void* owner);

  /// Waits at most `timeout_ms` (-1: for ever). The events are valid until the next call.
  std::span<const epoll_event> wait(int timeout_ms);

 private:
  Descriptor epoll_;
  std::array<epoll_event, 512> events_{};
};

}  // namespace postern::bench
