#include "bench/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace postern::bench {
namespace {

constexpr std::uint32_t first_source_address = 0x7f000002;
constexpr std::uint32_t source_addresses = 50;
constexpr int backlog = 4096;

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

Descriptor open_socket() {
  return Descriptor(checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
}

void enable(const Descriptor& socket, int level, int option) {
  const int on = 1;
  checked(setsockopt(socket.value(), level, option, &on, sizeof on), "setsockopt");
}

sockaddr_in address_of(std::uint32_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(port);
  return result;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}

Descriptor::~Descriptor() {
  if (value_ >= 0) close(value_);
}

Descriptor listen_on_loopback(std::uint16_t port) {
  Descriptor listener = open_socket();
  enable(listener, SOL_SOCKET, SO_REUSEADDR);
  const sockaddr_in address = address_of(INADDR_LOOPBACK, port);
  checked(bind(listener.value(), generic(address), sizeof address), "bind");
  checked(listen(listener.value(), backlog), "listen");
  return listener;
}

std::uint16_t local_port(const Descriptor& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(getsockname(socket.value(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

Descriptor accept_from(const Descriptor& listener) {
  Descriptor accepted(accept4(listener.value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (accepted) enable(accepted, IPPROTO_TCP, TCP_NODELAY);
  return accepted;
}

Descriptor connect_to_loopback(std::uint16_t port, std::uint32_t index) {
  Descriptor connecting = open_socket();
  enable(connecting, IPPROTO_TCP, TCP_NODELAY);
  enable(connecting, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  const sockaddr_in source = address_of(first_source_address + index % source_addresses, 0);
  checked(bind(connecting.value(), generic(source), sizeof source), "bind");
  const sockaddr_in target = address_of(INADDR_LOOPBACK, port);
  const int result = connect(connecting.value(), generic(target), sizeof target);
  if (result < 0 && errno != EINPROGRESS) throw std::system_error(errno, std::generic_category(), "connect");
  return connecting;
}

void raise_descriptor_limit() {
  rlimit limit{};
  checked(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

Poller::Poller() : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void Poller::watch(int descriptor, void* owner) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = owner;
  checked(epoll_ctl(epoll_.value(), EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

std::span<const epoll_event> Poller::wait(int timeout_ms) {
  const int count = epoll_wait(epoll_.value(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  if (count < 0 && errno == EINTR) return {};
  return {events_.data(), static_cast<std::size_t>(checked(count, "epoll_wait"))};
}

}  // namespace postern::bench
