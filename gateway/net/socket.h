// The socket functions that listeners, dialers and transports share.
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

// Owns a file descriptor.
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

// Counts one in a number that threads share, for the lifetime of the guard.
class CountGuard {
 public:
  CountGuard() = default;
  // Returns an empty guard when the number has reached its limit. The number never exceeds the limit, even
  // when other threads count at the same time.
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

// A sockaddr in the form that the kernel accepts.
struct KernelAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
KernelAddress to_kernel(const base::SocketAddress& address);
base::SocketAddress from_kernel(const sockaddr_storage& storage);

// The local address of a bound or connected socket.
std::optional<base::SocketAddress> local_address(const Socket& socket);

// The address of a Unix socket. Its path has at most this many bytes (unix(7)).
inline constexpr size_t unix_path_max = 107;
KernelAddress to_kernel_unix(std::string_view path);

// Sets the options of a data socket: TCP_NODELAY, so that small writes are sent at once; on loopback and
// private networks also a congestion control that does not pace. (Towards the internet the machine's default
// is kept.)
void tune(int descriptor, const base::IpAddress& peer);

// Enables TCP keep-alive: the kernel probes a peer that is idle for 30 s, then every 10 s, and closes the
// connection after three probes without an answer. Accepted sockets inherit the option from their listening
// socket.
void keep_alive(int descriptor);

}  // namespace postern::net
