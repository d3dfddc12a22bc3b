#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "net/port_owner.h"

namespace postern::net {
namespace {

constexpr int backlog = 4096;
constexpr int accepts_in_a_row = 64;
constexpr base::Duration pause_when_exhausted = std::chrono::milliseconds(100);

std::string sentence(const base::SocketAddress& address, int error_number) {
  switch (error_number) {
    case EADDRINUSE: {
      const auto owner = find_port_owner(address.port);
      const std::string in_use = "address " + address.text() + " is in use by ";
      if (owner && owner->pid == getpid())
        return in_use +
               "another listener of this gateway, as long as it is open: restart, or take another port";
      return in_use +
             (owner ? "process " + std::to_string(owner->pid) + " (" + owner->name + ")" : "another process");
    }
    case EACCES:
      return "no permission to listen on " + address.text() +
             ": ports below 1024 need CAP_NET_BIND_SERVICE, which the systemd unit gives, or: "
             "setcap cap_net_bind_service=+ep $(command -v postern)";
    case EADDRNOTAVAIL: return "address " + address.text() + " is not one of this machine's";
    default: return "cannot listen on " + address.text() + ": " + std::strerror(error_number);
  }
}

}  // namespace

tl::expected<ListeningSocket, std::string> listen_on(const base::SocketAddress& address, Sharing sharing) {
  const KernelAddress kernel = to_kernel(address);
  const auto bound_socket = [&](bool shared) {
    Socket socket(::socket(kernel.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return socket;
    const int on = 1;
    setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (shared) setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (address.ip.is_v6()) {
      const int only_v6 = address.ip == base::IpAddress::v6({}) ? 0 : 1;  // "[::]" accepts IPv4 too
      setsockopt(socket.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
    }
    if (bind(socket.descriptor(), kernel.get(), kernel.length) != 0) socket = Socket();
    return socket;
  };
  const auto refuse = [&] { return tl::unexpected(sentence(address, errno)); };
  if (sharing == Sharing::first && address.port != 0 && !bound_socket(false)) return refuse();
  Socket socket = bound_socket(true);
  if (!socket) return refuse();
  keep_alive(socket.descriptor());
  if (listen(socket.descriptor(), backlog) != 0) return refuse();
  sockaddr_storage bound{};
  socklen_t length = sizeof(bound);
  getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&bound), &length);
  return ListeningSocket{std::move(socket), from_kernel(bound)};
}

bool is_own_address(const base::IpAddress& ip) {
  const KernelAddress kernel = to_kernel({ip, 0});
  const Socket socket(::socket(kernel.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket && ::bind(socket.descriptor(), kernel.get(), kernel.length) == 0;
}

tl::expected<ListeningSocket, std::string> listen_on_unix(const std::string& path) {
  const auto refuse = [&](const char* why) {
    return tl::unexpected("cannot listen on unix:" + path + ": " + why);
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return refuse("the path is too long");
  path.copy(address.sun_path, path.size());
  const auto* kernel = reinterpret_cast<const sockaddr*>(&address);
  struct stat found {};
  const bool exists = lstat(path.c_str(), &found) == 0;
  // connect(2) gives the same error for a file of any kind and for a socket without a listener.
  if (exists && !S_ISSOCK(found.st_mode))
    return refuse("there is something there that is not a socket; remove it, or write another path");
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return refuse(std::strerror(errno));
  if (exists) {
    if (connect(socket.descriptor(), kernel, sizeof(address)) == 0 || errno == EAGAIN)
      return refuse("another process listens there");
    if (errno == ECONNREFUSED) unlink(path.c_str());  // the socket of a process that has ended
  }
  socket = Socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket || bind(socket.descriptor(), kernel, sizeof(address)) != 0) return refuse(std::strerror(errno));
  // Set the mode before listen(): until then no client can connect.
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(socket.descriptor(), backlog) != 0)
    return refuse(std::strerror(errno));
  return ListeningSocket{std::move(socket), {}};
}

Socket duplicate(const Socket& socket) { return Socket(fcntl(socket.descriptor(), F_DUPFD_CLOEXEC, 0)); }

Listener::Listener(Loop& loop, ListeningSocket listening, Owner& owner)
    : loop_(loop), listening_(std::move(listening)), owner_(owner) {
  base::check(loop.poller().add(listening_.socket.descriptor(), *this),
              "a listening socket cannot be watched");
}

Listener::~Listener() { loop_.poller().remove(listening_.socket.descriptor(), *this); }

void Listener::release() {
  if (!held_) return;
  held_ = false;
  loop_.poller().again(*this);
}

void Listener::on_ready(uint32_t) {
  for (int count = 0; !held_ && !armed(); ++count) {
    if (count == accepts_in_a_row) return loop_.poller().again(*this);
    if (!owner_.may_accept()) {
      held_ = true;
      return;
    }
    sockaddr_storage from{};
    socklen_t length = sizeof(from);
    Socket accepted(accept4(listening_.socket.descriptor(), reinterpret_cast<sockaddr*>(&from), &length,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted) {
      if (exhausted_) {
        exhausted_ = false;
        owner_.on_accepting_again(*this);
      }
      const base::SocketAddress peer = from_kernel(from);
      tune(accepted.descriptor(), peer.ip);
      owner_.on_accepted(*this, std::move(accepted), peer);
      continue;
    }
    const int reason = errno;
    if (reason == EINTR || reason == ECONNABORTED) continue;
    owner_.on_nobody_waits();
    if (reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM) {
      if (!exhausted_) {
        exhausted_ = true;
        owner_.on_descriptors_exhausted(*this);
      }
      loop_.turn().arm(*this, pause_when_exhausted);
    }
    return;  // EAGAIN: no connection waits
  }
}

void Listener::on_deadline() { loop_.poller().again(*this); }

}  // namespace postern::net
