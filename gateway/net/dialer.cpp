#include "net/dialer.h"

#include <cerrno>
#include <cstring>

#include "net/tcp_transport.h"
#include "net/tls_transport.h"

namespace postern::net {
namespace {

// A connect that is under way.
class Connecting final : private Pollable {
 public:
  Connecting(Loop& loop, Socket socket) : loop_(loop), socket_(std::move(socket)) {
    watched_ = loop_.poller().add(socket_.descriptor(), *this);
    if (!watched_) outcome.put(ENOMEM);
  }
  ~Connecting() override { unwatch(); }

  base::Slot<int> outcome;  // errno, 0 when connected

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

base::Cause cause_of(int error_number) {
  return error_number == ECONNREFUSED ? base::Cause::upstream_refused : base::Cause::upstream_unreachable;
}

void note(std::string& tried, const base::SocketAddress& address, std::string_view outcome) {
  if (!tried.empty()) tried += ", ";
  tried += address.text();
  tried += ' ';
  tried += outcome;
}

base::Task<base::Result<std::unique_ptr<Transport>>> connect_to(base::Scope& scope, Loop& loop,
                                                                const base::SocketAddress& address,
                                                                base::Duration limit, std::string& tried) {
  base::Phase phase(scope, base::Stage::connect, limit, base::Cause::upstream_timed_out);
  const int family = address.ip.is_v6() ? AF_INET6 : AF_INET;
  Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) {
    note(tried, address, std::strerror(errno));
    co_return base::fail(base::Cause::overloaded, base::Stage::connect);
  }
  tune(socket.descriptor(), address.ip);
  const KernelAddress kernel = to_kernel(address);
  int error_number = 0;
  if (::connect(socket.descriptor(), kernel.get(), kernel.length) != 0) {
    error_number = errno;
    if (error_number == EINPROGRESS) {
      Connecting connecting(loop, std::move(socket));
      base::Result<int> outcome = co_await connecting.outcome.take(scope);
      if (!outcome) {
        note(tried, address, "did not answer in time");
        co_return base::fail(outcome.error());
      }
      error_number = *outcome;
      socket = connecting.take_socket();
    }
  }
  if (error_number != 0) {
    note(tried, address, error_number == ECONNREFUSED ? "refused" : std::strerror(error_number));
    co_return base::fail(cause_of(error_number), base::Stage::connect);
  }
  std::unique_ptr<Transport> transport = TcpTransport::adopt(loop, std::move(socket), address);
  if (!transport) co_return base::fail(base::Cause::overloaded, base::Stage::connect);
  note(tried, address, "connected");
  co_return transport;
}

}  // namespace

base::Task<base::Result<std::unique_ptr<Transport>>> SystemDialer::dial(base::Scope& scope,
                                                                        const DialTarget& target,
                                                                        std::string& tried) {
  std::vector<base::IpAddress> addresses;
  {
    base::Phase phase(scope, base::Stage::resolve, target.connect_limit, base::Cause::upstream_unresolved);
    base::Task<base::Result<std::vector<base::IpAddress>>> resolving = resolver_.resolve(scope, target.host);
    base::Result<std::vector<base::IpAddress>> resolved = co_await resolving;
    if (!resolved) {
      tried = "the name " + target.host + " could not be resolved";
      co_return base::fail(resolved.error());
    }
    addresses = std::move(*resolved);
  }

  base::Result<std::unique_ptr<Transport>> connected =
      base::fail(base::Cause::upstream_unreachable, base::Stage::connect);
  const base::Duration share = target.connect_limit / static_cast<int64_t>(addresses.size());
  for (const base::IpAddress& ip : addresses) {
    const base::SocketAddress address{ip, target.port};
    base::Task<base::Result<std::unique_ptr<Transport>>> connecting =
        connect_to(scope, loop_, address, share, tried);
    connected = co_await connecting;
    if (connected) break;
    if (scope.failure()) co_return base::fail(*scope.failure());
  }
  if (!connected || target.tls == nullptr) co_return connected;

  base::Phase phase(scope, base::Stage::upstream_tls, target.connect_limit, base::Cause::upstream_timed_out);
  std::unique_ptr<TlsTransport> tls =
      TlsTransport::client(loop_.turn(), std::move(*connected), *target.tls, target.server_name);
  base::Result<bool> handshaken = co_await tls->handshaken().take(scope);
  if (!handshaken) {
    if (!tls->failure().empty()) tried += "; " + tls->failure();
    co_return base::fail(handshaken.error());
  }
  std::unique_ptr<Transport> secured = std::move(tls);
  co_return secured;
}

}  // namespace postern::net
