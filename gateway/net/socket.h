// The few socket calls that listeners, dialers and transports share.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ip_address.h"

namespace postern::net {

// Owns a descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      reset();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }
  ~Socket() { reset(); }
  explicit operator bool() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  void reset();

 private:
  int descriptor_ = -1;
};

// One more in a number that threads share, for as long as it lives.
class CountGuard {
 public:
  CountGuard() = default;
  // Empty when the number has reached its limit; never exceeds it, whoever else counts.
  static CountGuard within(std::atomic<uint32_t>& number, uint32_t limit) {
    CountGuard count_guard;
    uint32_t seen = number.load(std::memory_order_relaxed);
    while (seen < limit)
      if (number.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) {
        count_guard.number_ = &number;
        break;
      }
    return count_guard;
  }
  explicit operator bool() const { return number_ != nullptr; }
  CountGuard(CountGuard&& other) noexcept : number_(std::exchange(other.number_, nullptr)) {}
  CountGuard& operator=(CountGuard&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~CountGuard() {
    if (number_) number_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<uint32_t>* number_ = nullptr;
};

// sockaddr in the form the kernel takes.
struct KernelAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
KernelAddress to_kernel(const base::SocketAddress& address);
base::SocketAddress from_kernel(const sockaddr_storage& storage);

// Of a bound or connected socket.
std::optional<base::SocketAddress> local_address(const Socket& socket);

// Of a socket in the file system. At most this many bytes have room (unix(7)).
inline constexpr size_t unix_path_max = 107;
KernelAddress to_kernel_unix(std::string_view path);

// A data socket as we want it: small writes go out at once; on loopback and private networks, a congestion
// control that does not pace (the machine's default is kept towards the internet).
void tune(int descriptor, const base::IpAddress& peer);

// From now on the system asks a peer that says nothing whether it is there, and ends the connection when it
// is not: after 30 s, then every 10 s, three times. What a listening socket accepts has it from there.
void keep_alive(int descriptor);

}  // namespace postern::net
