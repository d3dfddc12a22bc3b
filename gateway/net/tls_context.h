// TLS certificates, protocol versions and session tickets: made once from files, immutable, and shared by all
// workers.
#pragma once

#include <openssl/ssl.h>
#include <cstdint>

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "net/certificate_files.h"
#include "net/client_verifier.h"

namespace postern::net {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// The keys that encrypt session tickets (RFC 5077, RFC 8446 4.6.1): the current key encrypts, and the two
// before it still decrypt. One set serves every listener, worker and configuration of the process, so a
// client can resume its session on any of them. Thread-safe.
class TicketKeys {
 public:
  TicketKeys() { rotate(); }
  void rotate();  // must be called every `rotate_every`
  static constexpr std::chrono::hours rotate_every{1};

 private:
  friend class ServerTls;
  static constexpr size_t kept = 3;
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
  };
  static int ticket_callback(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                             EVP_MAC_CTX* mac, int sealing);
  std::mutex mutex_;
  std::vector<Key> keys_;  // the first encrypts
};

// The protocols to use over TLS, by their ALPN names (RFC 7301), in order of preference.
using Protocols = std::vector<std::string>;

struct ServerTlsOptions {
  using Files = KeyPairFiles;
  std::vector<Files> certificates;  // the first is the default
  bool tls1_3_only = false;
  std::string ciphers;  // for TLS 1.2, in OpenSSL's syntax; empty: ECDHE with AEAD
  // A client that offers protocols by ALPN, but none of these, is refused. A client without ALPN is accepted.
  Protocols protocols = {"http/1.1"};
  std::shared_ptr<const ClientVerifier> clients{};  // null: clients are not asked for certificates
};

// The certificates of a TLS listener. A certificate is chosen by SNI (exact name, then `*.` wildcard, then
// the first); for a name with both an RSA and an ECDSA certificate, OpenSSL takes the one that the client
// supports, ECDSA first.
class ServerTls {
 public:
  // The error is a sentence that names the file.
  static tl::expected<std::unique_ptr<const ServerTls>, std::string> make(const ServerTlsOptions& options,
                                                                          TicketKeys& tickets);
  SSL_CTX* default_context() const { return contexts_.front().get(); }
  const std::shared_ptr<const ClientVerifier>& clients() const { return clients_; }

 private:
  friend class TicketKeys;
  static int greet(SSL* ssl, int* alert, void* self);
  static int choose_certificate(SSL* ssl, int* alert, void* self);
  static int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_length,
                             const unsigned char* offered, unsigned int offered_length, void* self);
  SSL_CTX* context_for(std::string_view name) const;

  Protocols protocols_;
  std::shared_ptr<const ClientVerifier> clients_;  // before the contexts, which use it
  std::vector<SslContext> contexts_;
  std::unordered_map<std::string, size_t> by_name_;  // lower case; wildcards as "*.example.com"
};

struct ClientTlsOptions {
  std::string ca_file;  // empty: the system's
  bool insecure = false;
  std::optional<KeyPairFiles> certificate{};  // for servers that ask for one
  Protocols protocols = {"http/1.1"};
};

// How the certificates of endpoints are verified, and what is shown to those that ask for one.
class ClientTls {
 public:
  static tl::expected<std::unique_ptr<const ClientTls>, std::string> make(const ClientTlsOptions& options);
  SSL_CTX* context() const { return context_.get(); }
  bool insecure() const { return insecure_; }

 private:
  SslContext context_;
  bool insecure_ = false;
};

// The libraries of this module and their versions at run time: "libuv 1.44.2, OpenSSL 3.0.17 …, c-ares
// 1.18.1".
std::string library_versions();

// OpenSSL's reason for the last failure on this thread, in a few words; clears the error queue.
std::string tls_failure_reason();

}  // namespace postern::net
