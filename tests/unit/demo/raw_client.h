// The client's side of a connection for tests of the demo application; the tests write its bytes by hand.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "net/socket.h"

namespace postern::demo::test {

// A blocking client; each operation takes at most five seconds.
class RawClient {
 public:
  explicit RawClient(const base::SocketAddress& address)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{5, 0};
    setsockopt(socket_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(socket_.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    const net::KernelAddress kernel = net::to_kernel(address);
    REQUIRE(connect(socket_.descriptor(), kernel.get(), kernel.length) == 0);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      REQUIRE(sent > 0);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // The next `size` bytes.
  std::string take(size_t size) {
    while (received_.size() < size) REQUIRE(receive());
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }
  // Up to and including `end`.
  std::string take_until(std::string_view end) {
    while (received_.find(end) == std::string::npos) REQUIRE(receive());
    return take(received_.find(end) + end.size());
  }
  // Everything that is received until the application ends the connection.
  std::string take_rest() {
    while (receive()) {
    }
    REQUIRE(ended_);
    return std::move(received_);
  }
  // Whether the connection ends, in order or by a reset: unread bytes make it a reset.
  bool is_cut() {
    while (receive()) {
    }
    return ended_ || errno == ECONNRESET;
  }

 private:
  bool receive() {
    std::array<char, 16384> buffer;
    const ssize_t count = recv(socket_.descriptor(), buffer.data(), buffer.size(), 0);
    ended_ = count == 0;
    if (count > 0) received_.append(buffer.data(), static_cast<size_t>(count));
    return count > 0;
  }

  net::Socket socket_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace postern::demo::test
