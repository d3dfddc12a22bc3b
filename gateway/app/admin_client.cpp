#include "app/admin_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/ascii.h"
#include "config/compile.h"
#include "config/compile_policy.h"
#include "net/socket.h"

namespace postern::app {
namespace {

constexpr time_t patience_seconds = 10;  // for one write or read
constexpr size_t answer_max = 1024 * 1024;

struct Place {
  net::KernelAddress address;
  std::string text;
};

tl::expected<Place, std::string> place_of(const config::Document& document) {
  if (!document.admin)
    return tl::unexpected(
        std::string("the file has no admin listener to ask; write admin: { address: "
                    "\"127.0.0.1:9901\" }"));
  const config::AdminDocument& admin = *document.admin;
  if (!admin.unix_path.empty()) {
    const std::string path = config::resolve_file(document, admin.unix_path);
    if (path.size() > net::unix_path_max)
      return tl::unexpected(std::string("the path of the admin socket is too long"));
    return Place{net::to_kernel_unix(path), "unix:" + path};
  }
  if (admin.port == 0)
    return tl::unexpected(std::string("admin.address has no port of its own (0), so nobody knows it"));
  std::optional<base::IpAddress> ip = config::listen_address(admin.host);
  if (!ip) return tl::unexpected(std::string("admin.address is no address"));
  if (ip->is_unspecified()) ip = base::IpAddress::v4({127, 0, 0, 1});
  const base::SocketAddress address{*ip, admin.port};
  return Place{net::to_kernel(address), address.text()};
}

tl::expected<net::Socket, std::string> connect_to(const Place& place) {
  const auto fail = [&place] {
    return tl::unexpected("the admin listener at " + place.text + " cannot be reached (" +
                          std::strerror(errno) + "); does the gateway run with this file?");
  };
  net::Socket socket(::socket(place.address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail();
  const timeval limit{patience_seconds, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    setsockopt(socket.descriptor(), SOL_SOCKET, option, &limit, sizeof(limit));
  if (::connect(socket.descriptor(), place.address.get(), place.address.length) != 0) return fail();
  return socket;
}

bool send_all(const net::Socket& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Until the listener ends the connection, which the request asked for.
std::string receive_all(const net::Socket& socket) {
  std::string text;
  char buffer[16 * 1024];
  while (text.size() < answer_max) {
    const ssize_t received = ::recv(socket.descriptor(), buffer, sizeof(buffer), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) break;
    text.append(buffer, static_cast<size_t>(received));
  }
  return text;
}

}  // namespace

tl::expected<AdminAnswer, std::string> post_to_admin(const config::Document& document,
                                                     const std::string& path, const std::string& json) {
  const auto place = place_of(document);
  if (!place) return tl::unexpected(place.error());
  const auto socket = connect_to(*place);
  if (!socket) return tl::unexpected(socket.error());
  const std::string request = "POST " + path +
                              " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                              "Accept: application/json\r\nConnection: close\r\nContent-Length: " +
                              std::to_string(json.size()) + "\r\n\r\n" + json;
  const bool sent = send_all(*socket, request);
  const std::string text = sent ? receive_all(*socket) : std::string();
  constexpr std::string_view version = "HTTP/1.1 ";
  const size_t end_of_head = text.find("\r\n\r\n");
  const auto status = text.starts_with(version)
                          ? base::parse_decimal(std::string_view(text).substr(version.size(), 3))
                          : std::nullopt;
  if (!status || end_of_head == text.npos)
    return tl::unexpected("the admin listener at " + place->text + " did not answer");
  return AdminAnswer{static_cast<uint16_t>(*status), text.substr(end_of_head + 4)};
}

}  // namespace postern::app
