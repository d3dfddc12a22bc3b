#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string_view>

#include "bench/sockets.h"

namespace postern::bench {

struct TlsFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsFree>;

/// TLS 1.3 with TLS_AES_128_GCM_SHA256 and X25519 only, so that every proxy does the same cryptography.
/// Certificates are not verified: the load generator speaks only to loopback.
TlsContext client_tls_context();

/// The client's end of a connection, plain or TLS. Every function throws std::runtime_error once it is lost.
class Stream {
 public:
  /// A null context means plain.
  Stream(Descriptor socket, SSL_CTX* context);

  int descriptor() const { return socket_.value(); }

  /// True once the connection and the TLS handshake stand; otherwise to be called at the next event.
  bool finish_opening();

  /// Bytes read, 0 when there is nothing now.
  std::size_t read(std::span<char> buffer);

  /// Bytes taken, possibly 0.
  std::size_t write(std::string_view bytes);

  /// Whether a read of `size` bytes into `capacity` shows that nothing more waits.
  bool is_drained_by(std::size_t size, std::size_t capacity) const { return !tls_ && size < capacity; }

 private:
  std::size_t tls_result(int result);

  Descriptor socket_;
  std::unique_ptr<SSL, TlsFree> tls_;
};

}  // namespace postern::bench
