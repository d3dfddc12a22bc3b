#include "bench/stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace postern::bench {
namespace {

void require(bool success, const char* what) {
  if (!success) throw std::runtime_error(what);
}

std::size_t socket_result(ssize_t result) {
  if (result >= 0) return static_cast<std::size_t>(result);
  if (errno == EAGAIN) return 0;
  throw std::system_error(errno, std::generic_category(), "connection lost");
}

}  // namespace

TlsContext client_tls_context() {
  constexpr unsigned char protocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  require(context != nullptr, "no TLS context");
  require(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1, "TLS 1.3 is not available");
  require(SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256") == 1, "no AES-128-GCM");
  require(SSL_CTX_set1_groups_list(context.get(), "X25519") == 1, "no X25519");
  require(SSL_CTX_set_alpn_protos(context.get(), protocols, sizeof protocols) == 0, "no ALPN");
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

Stream::Stream(Descriptor socket, SSL_CTX* context) : socket_(std::move(socket)) {
  if (context == nullptr) return;
  tls_.reset(SSL_new(context));
  require(tls_ && SSL_set_fd(tls_.get(), socket_.value()) == 1, "no TLS session");
  SSL_set_tlsext_host_name(tls_.get(), "bench.local");
  SSL_set_connect_state(tls_.get());
}

bool Stream::finish_opening() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket_.value(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
  return !tls_ || tls_result(SSL_do_handshake(tls_.get())) > 0;
}

std::size_t Stream::read(std::span<char> buffer) {
  if (tls_) return tls_result(SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size())));
  const ssize_t result = recv(socket_.value(), buffer.data(), buffer.size(), 0);
  require(result != 0, "the proxy closed a connection");
  return socket_result(result);
}

std::size_t Stream::write(std::string_view bytes) {
  if (tls_) return tls_result(SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())));
  return socket_result(send(socket_.value(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

std::size_t Stream::tls_result(int result) {
  if (result > 0) return static_cast<std::size_t>(result);
  const int error = SSL_get_error(tls_.get(), result);
  require(error != SSL_ERROR_ZERO_RETURN, "the proxy closed a TLS connection");
  require(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE, "TLS failed");
  return 0;
}

}  // namespace postern::bench
