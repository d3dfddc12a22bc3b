// Which certificates the clients of a TLS listener must or may show: by which authorities, how deep below
// them, and which of them were revoked.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "net/certificate_files.h"
#include "net/client_certificate.h"

namespace postern::net {

struct ClientVerifierOptions {
  std::string ca_file;   // PEM: every certificate in it is an authority, whether self-signed or not
  std::string crl_file;  // PEM or DER; empty: none
  bool required = true;  // false: a client without a certificate is served too
  int depth = 3;         // how many certificates may stand between the client's and an authority
  // Whether a revocation list that has expired is used on. Otherwise nobody of its authority gets in.
  bool takes_expired_lists = false;
  // Whom to ask, by the name that a client sends by SNI: "a.example" or "*.a.example", which is any name
  // below it, in lower case. Empty: everybody.
  std::vector<std::string> names;
};

// Made once from files, and shared by all workers. A certificate must be signed, directly or by others that
// the client sends, by one of the authorities, be valid now and meant for clients (extendedKeyUsage), and not
// be revoked; with a revocation list, every authority on the way needs one, but not the trusted one at the
// end. A certificate that is not in order is refused in the handshake, also where none is required.
class ClientVerifier {
 public:
  // The error is a sentence that names the file.
  static tl::expected<std::shared_ptr<const ClientVerifier>, std::string> make(ClientVerifierOptions options);

  bool required() const { return options_.required; }
  // Whether a client is asked that wants this host: by SNI, or in a request, without port and brackets. Case
  // and a dot at the end make no difference.
  bool asks(std::string_view host) const;

  // Prepares a context of the listener. It asks nobody yet.
  void set_up(SSL_CTX* context) const;
  // Asks the client for its certificate. Called with its ClientHello, before a session is looked for: no
  // session of a connection that was not asked, or not by the same rules, is resumed.
  void ask(SSL* ssl) const;
  static bool has_asked(const SSL* ssl) { return (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0; }
  // After the handshake; null: the client has shown none.
  std::shared_ptr<const ClientCertificate> certificate_of(const SSL* ssl) const;

  // Whether a certificate that was verified by other files would still be taken: its authority is there, and
  // nothing of its chain is revoked. It costs no signature; dates are left out.
  bool still_takes(const ClientCertificate& certificate) const;
  // The same text for the same files and rules.
  const std::string& identity() const { return identity_; }

 private:
  struct StoreFree {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  };

  explicit ClientVerifier(ClientVerifierOptions options) : options_(std::move(options)) {}
  bool make_store();
  static int judge_certificate(int is_good, X509_STORE_CTX* context);
  static SSL_TICKET_RETURN judge_session(SSL* ssl, SSL_SESSION* session, const unsigned char* key_name,
                                         size_t key_name_size, SSL_TICKET_STATUS status, void* self);
  std::vector<Certificate> chain_of(X509* leaf) const;
  bool is_authority(const X509* certificate) const;
  bool is_revoked(const X509* certificate) const;

  ClientVerifierOptions options_;
  std::vector<Certificate> authorities_;
  std::vector<RevocationList> lists_;
  std::unique_ptr<X509_STORE, StoreFree> store_;
  std::string identity_;
};

}  // namespace postern::net
