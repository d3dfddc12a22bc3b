#include "net/dialer.h"

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "net/connect_reader.h"
#include "net/tcp_transport.h"
#include "net/tls_transport.h"

namespace postern::net {
namespace {

// A connect in progress.
class Connecting final : private Pollable {
 public:
  Connecting(Loop& loop, Socket socket) : loop_(loop), socket_(std::move(socket)) {
    watched_ = loop_.poller().add(socket_.descriptor(), *this);
    if (!watched_) outcome.put(ENOMEM);
  }
  ~Connecting() override { unwatch(); }

  base::Slot<int> outcome;  // an errno; 0 when connected

  Socket take_socket() {
    unwatch();
    return std::move(socket_);
  }

 private:
  void on_ready(uint32_t events) override {
    if (outcome.filled() || !(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
    int error_number = 0;
    socklen_t length = sizeof(error_number);
    getsockopt(socket_.descriptor(), SOL_SOCKET, SO_ERROR, &error_number, &length);
    outcome.put(error_number);
  }
  void unwatch() {
    if (watched_) loop_.poller().remove(socket_.descriptor(), *this);
    watched_ = false;
  }

  Loop& loop_;
  Socket socket_;
  bool watched_ = false;
};

// The address that a connect goes to.
struct Destination {
  int family = AF_INET;
  KernelAddress kernel;
  base::SocketAddress peer;  // empty for a Unix socket
  std::string text;
};

Destination destination_of(const base::SocketAddress& address) {
  return {address.ip.is_v6() ? AF_INET6 : AF_INET, to_kernel(address), address, address.text()};
}

// Errors that mean that this process lacks a resource; the peer is not at fault.
bool is_own_lack(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM ||
         error_number == ENOBUFS;
}

// All local ports towards an IPv4 address are in use. (For IPv6 the same error also means that this machine
// has no IPv6 address.)
bool lacks_ports(int error_number, int family) { return error_number == EADDRNOTAVAIL && family == AF_INET; }

base::Cause cause_of(int error_number, int family) {
  if (is_own_lack(error_number) || lacks_ports(error_number, family)) return base::Cause::overloaded;
  return error_number == ECONNREFUSED ? base::Cause::upstream_refused : base::Cause::upstream_unreachable;
}

void note(std::string& tried, const std::string& destination, std::string_view outcome) {
  if (!tried.empty()) tried += ", ";
  tried += destination;
  tried += ' ';
  tried += outcome;
}

// A query to a name server needs a descriptor. Returns the errno when none is available, otherwise 0.
int lack_of_descriptors() {
  const Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return !socket && is_own_lack(errno) ? errno : 0;
}

// The error of a name that could not be resolved.
base::Error unresolved_error(base::Error error, std::string& tried) {
  const int lack = error.cause == base::Cause::upstream_unresolved ? lack_of_descriptors() : 0;
  if (lack == 0) return error;
  tried += ", and this process could not ask: ";
  tried += std::strerror(lack);
  return {base::Cause::overloaded, error.stage};
}

std::string unresolved(const std::string& why) {
  return "could not be resolved" + (why.empty() ? " in time" : ": " + why);
}

std::string_view words_of(int error_number, int family) {
  if (error_number == ECONNREFUSED) return "refused";
  if (lacks_ports(error_number, family))
    return "could not be dialled: no local port is free (see net.ipv4.ip_local_port_range)";
  if (family == AF_UNIX && error_number == ENOENT) return "does not exist";
  if (family == AF_UNIX && error_number == EACCES)
    return "may not be used by this process (permission denied; it needs write permission on the socket)";
  return std::strerror(error_number);
}

// Connects `socket`; the result is an errno, 0 when connected.
base::Task<base::Result<int>> await_connect(base::Scope& scope, Loop& loop, const Destination& destination,
                                            Socket& socket) {
  constexpr base::Duration before_another_try = std::chrono::milliseconds(20);
  for (;;) {
    if (::connect(socket.descriptor(), destination.kernel.get(), destination.kernel.length) == 0) co_return 0;
    const int error_number = errno;
    if (error_number == EINPROGRESS) {
      Connecting connecting(loop, std::move(socket));
      base::Result<int> outcome = co_await connecting.outcome.take(scope);
      socket = connecting.take_socket();
      co_return outcome;
    }
    // The queue of a Unix socket is full, and the kernel does not notify us when it has room again
    // (connect(2)).
    if (error_number != EAGAIN || destination.family != AF_UNIX) co_return error_number;
    {
      base::Slot<bool> never;
      base::Phase pause(scope, base::Stage::connect, before_another_try);
      base::Result<bool> paused = co_await never.take(scope);
      static_cast<void>(paused);
    }
    if (scope.failure()) co_return base::fail(*scope.failure());
  }
}

base::Task<base::Result<std::unique_ptr<Transport>>> connect_to(base::Scope& scope, Loop& loop,
                                                                const Destination& destination,
                                                                base::Duration limit, std::string& tried) {
  base::Phase phase(scope, base::Stage::connect, limit, base::Cause::upstream_timed_out);
  Socket socket(::socket(destination.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) {
    note(tried, destination.text, std::strerror(errno));
    co_return base::fail(base::Cause::overloaded, base::Stage::connect);
  }
  if (destination.family != AF_UNIX) {
    tune(socket.descriptor(), destination.peer.ip);
    keep_alive(socket.descriptor());
  }
  base::Task<base::Result<int>> connecting = await_connect(scope, loop, destination, socket);
  base::Result<int> error_number = co_await connecting;
  if (!error_number) {
    note(tried, destination.text, "did not answer in time");
    co_return base::fail(error_number.error());
  }
  if (*error_number != 0) {
    note(tried, destination.text, words_of(*error_number, destination.family));
    co_return base::fail(cause_of(*error_number, destination.family), base::Stage::connect);
  }
  std::unique_ptr<Transport> transport = TcpTransport::adopt(loop, std::move(socket), destination.peer);
  if (!transport) co_return base::fail(base::Cause::overloaded, base::Stage::connect);
  note(tried, destination.text, "connected");
  co_return transport;
}

}  // namespace

base::Task<base::Result<std::unique_ptr<Transport>>> SystemDialer::dial(base::Scope& scope,
                                                                        const DialTarget& target,
                                                                        std::string& tried) {
  base::Task<base::Result<std::unique_ptr<Transport>>> connecting =
      !target.unix_path.empty() ? dial_unix(scope, target, tried)
      : target.proxy            ? dial_by_proxy(scope, target, tried)
      : target.service          ? dial_service(scope, target, tried)
                                : dial_host(scope, target.host, target.port, target.connect_limit, tried);
  base::Result<std::unique_ptr<Transport>> connected = co_await connecting;
  if (!connected) co_return connected;
  if (!target.proxy_header.empty()) (*connected)->write(base::bytes_of(target.proxy_header));
  if (target.tls == nullptr) co_return connected;

  base::Phase phase(scope, base::Stage::upstream_tls, target.connect_limit, base::Cause::upstream_timed_out);
  std::unique_ptr<TlsTransport> tls =
      TlsTransport::client(loop_.turn(), std::move(*connected), *target.tls, target.server_name);
  base::Result<bool> handshaken = co_await tls->handshaken().take(scope);
  if (!handshaken) {
    if (!tls->failure().empty()) tried.append("; ").append(tls->failure());
    loop_.turn().graveyard.bury(std::move(tls));  // must not be freed before its alert was sent
    co_return base::fail(handshaken.error());
  }
  std::unique_ptr<Transport> secured = std::move(tls);
  co_return secured;
}

base::Task<base::Result<std::unique_ptr<Transport>>> SystemDialer::dial_by_proxy(base::Scope& scope,
                                                                                 const DialTarget& target,
                                                                                 std::string& tried) {
  const DialTarget::Proxy& proxy = *target.proxy;
  base::Task<base::Result<std::unique_ptr<Transport>>> connecting =
      dial_host(scope, proxy.host, proxy.port, target.connect_limit, tried);
  base::Result<std::unique_ptr<Transport>> connected = co_await connecting;
  if (!connected) co_return connected;
  const bool bracketed = target.host.find(':') != target.host.npos;
  const std::string authority =
      (bracketed ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
  std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!proxy.authorization.empty()) request += "Proxy-Authorization: " + proxy.authorization + "\r\n";
  request += "\r\n";
  base::Phase phase(scope, base::Stage::connect, target.connect_limit, base::Cause::upstream_timed_out);
  (*connected)->write(base::bytes_of(request));
  ConnectReader reader(**connected);
  base::Result<bool> through = co_await reader.connected().take(scope);
  if (!through) {
    note(tried, "the proxy", reader.failure().empty() ? "did not answer in time" : reader.failure());
    loop_.turn().graveyard.bury(std::move(*connected));
    co_return base::fail(through.error());
  }
  co_return connected;
}

base::Task<base::Result<std::unique_ptr<Transport>>> SystemDialer::dial_unix(base::Scope& scope,
                                                                             const DialTarget& target,
                                                                             std::string& tried) {
  const Destination destination{AF_UNIX, to_kernel_unix(target.unix_path), {}, target.unix_path};
  base::Task<base::Result<std::unique_ptr<Transport>>> connecting =
      connect_to(scope, loop_, destination, target.connect_limit, tried);
  base::Result<std::unique_ptr<Transport>> connected = co_await connecting;
  co_return connected;
}

base::Task<base::Result<std::unique_ptr<Transport>>> SystemDialer::dial_service(base::Scope& scope,
                                                                                const DialTarget& target,
                                                                                std::string& tried) {
  Resolver::Targets targets;
  {
    base::Phase phase(scope, base::Stage::resolve, target.connect_limit, base::Cause::upstream_unresolved);
    std::string why;
    base::Task<base::Result<Resolver::Targets>> resolving =
        resolver_.resolve_service(scope, target.host, why);
    base::Result<Resolver::Targets> resolved = co_await resolving;
    if (!resolved) {
      note(tried, "the service " + target.host, unresolved(why));
      co_return base::fail(unresolved_error(resolved.error(), tried));
    }
    targets = std::move(*resolved);
  }
  if (targets.size() > targets_tried_max) targets.resize(targets_tried_max);

  base::Result<std::unique_ptr<Transport>> connected =
      base::fail(base::Cause::upstream_unresolved, base::Stage::resolve);
  const base::Duration share = target.connect_limit / static_cast<int64_t>(targets.size());
  for (const ServiceTarget& one : targets) {
    base::Task<base::Result<std::unique_ptr<Transport>>> dialling =
        dial_host(scope, one.host, one.port, share, tried);
    connected = co_await dialling;
    if (connected) break;
    if (scope.failure()) co_return base::fail(*scope.failure());
  }
  co_return connected;
}

base::Task<base::Result<std::unique_ptr<Transport>>> SystemDialer::dial_host(
    base::Scope& scope, std::string_view host, uint16_t port, base::Duration limit, std::string& tried) {
  Resolver::Addresses addresses;
  {
    base::Phase phase(scope, base::Stage::resolve, limit, base::Cause::upstream_unresolved);
    std::string why;
    base::Task<base::Result<Resolver::Addresses>> resolving = resolver_.resolve(scope, host, why);
    base::Result<Resolver::Addresses> resolved = co_await resolving;
    if (!resolved) {
      note(tried, "the name " + std::string(host), unresolved(why));
      co_return base::fail(unresolved_error(resolved.error(), tried));
    }
    addresses = std::move(*resolved);
  }

  base::Result<std::unique_ptr<Transport>> connected =
      base::fail(base::Cause::upstream_unreachable, base::Stage::connect);
  const base::Duration share = limit / static_cast<int64_t>(addresses.size());
  for (const base::IpAddress& ip : addresses) {
    const Destination destination = destination_of({ip, port});
    base::Task<base::Result<std::unique_ptr<Transport>>> connecting =
        connect_to(scope, loop_, destination, share, tried);
    connected = co_await connecting;
    if (connected) break;
    if (scope.failure()) co_return base::fail(*scope.failure());
  }
  co_return connected;
}

}  // namespace postern::net
