#include "app/endpoint_probe.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "config/compile_policy.h"
#include "net/socket.h"

namespace postern::app {
namespace {

constexpr int patience_ms = 2'000;

// Returns 0, or errno of the failed connect.
int connect_error(const sockaddr* address, socklen_t length) {
  const net::Socket socket(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  if (::connect(socket.descriptor(), address, length) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd writable{socket.descriptor(), POLLOUT, 0};
  if (::poll(&writable, 1, patience_ms) != 1) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

std::string sentence(int error) {
  if (error == ECONNREFUSED) return "nobody listens there now (connection refused)";
  if (error == ETIMEDOUT) return "nobody answers there now (no connection within 2 s)";
  if (error == ENOENT) return "the socket does not exist now";
  return std::string("cannot be reached now: ") + std::strerror(error);
}

// Returns an empty text if at least one of the name's addresses accepts connections, else the problem.
std::string probe_name(const config::EndpointUrl& endpoint) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &wanted, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, [](addrinfo* one) {
    if (one) freeaddrinfo(one);
  });
  if (failure != 0) return "the name " + endpoint.host + " is not known now: " + gai_strerror(failure);
  int error = 0;
  for (const addrinfo* address = found; address; address = address->ai_next) {
    const int this_error = connect_error(address->ai_addr, address->ai_addrlen);
    if (this_error == 0) return {};
    if (error == 0) error = this_error;
  }
  return sentence(error);
}

std::string probe_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return {};  // the compiler of the configuration reports this
  path.copy(address.sun_path, path.size());
  const int error = connect_error(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return error == 0 ? std::string() : sentence(error);
}

}  // namespace

void probe_endpoints(const config::Document& document, config::Diagnostics& findings) {
  for (const config::UpstreamDocument& upstream : document.upstreams) {
    for (size_t i = 0; i < upstream.endpoints.size(); ++i) {
      const config::EndpointUrl& endpoint = upstream.endpoints[i];
      if (endpoint.service || endpoint.demo) continue;
      const std::string wrong = endpoint.unix_path.empty()
                                    ? probe_name(endpoint)
                                    : probe_unix(config::resolve_file(document, endpoint.unix_path));
      if (wrong.empty()) continue;
      findings.warn(endpoint.location, "upstreams." + upstream.name + ".endpoints[" + std::to_string(i) + "]",
                    document.quote(endpoint.location, endpoint.text) + ": " + wrong);
    }
  }
}

}  // namespace postern::app
