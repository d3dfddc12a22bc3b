#include "net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/check.h"

namespace postern::net {

void Socket::reset() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

KernelAddress to_kernel(const base::SocketAddress& address) {
  KernelAddress kernel;
  if (address.ip.is_v6()) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&kernel.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    std::memcpy(&v6->sin6_addr, address.ip.bytes().data(), 16);
    kernel.length = sizeof(sockaddr_in6);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&kernel.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    std::memcpy(&v4->sin_addr, address.ip.bytes().data(), 4);
    kernel.length = sizeof(sockaddr_in);
  }
  return kernel;
}

std::optional<base::SocketAddress> local_address(const Socket& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&storage), &length) != 0)
    return std::nullopt;
  return from_kernel(storage);
}

KernelAddress to_kernel_unix(std::string_view path) {
  static_assert(sizeof(sockaddr_un::sun_path) == unix_path_max + 1);
  base::check(path.size() <= unix_path_max, "the path of a Unix socket is too long");
  KernelAddress kernel;
  auto* local = reinterpret_cast<sockaddr_un*>(&kernel.storage);
  local->sun_family = AF_UNIX;
  std::memcpy(local->sun_path, path.data(), path.size());
  kernel.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return kernel;
}

base::SocketAddress from_kernel(const sockaddr_storage& storage) {
  base::SocketAddress address;
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6->sin6_addr, 16);
    address.ip = base::IpAddress::v6(bytes);
    address.port = ntohs(v6->sin6_port);
  } else if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4->sin_addr, 4);
    address.ip = base::IpAddress::v4(bytes);
    address.port = ntohs(v4->sin_port);
  }
  return address;
}

void keep_alive(int descriptor) {
  const int on = 1;
  constexpr int quiet_seconds = 30;
  constexpr int between_seconds = 10;
  constexpr int unanswered = 3;
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &quiet_seconds, sizeof(quiet_seconds));
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &between_seconds, sizeof(between_seconds));
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &unanswered, sizeof(unanswered));
}

void tune(int descriptor, const base::IpAddress& peer) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (peer.is_loopback() || peer.is_private()) {
    constexpr std::string_view local_control = "reno";  // always built into the kernel; uses no pacing timers
    setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, local_control.data(), local_control.size());
  }
}

}  // namespace postern::net
