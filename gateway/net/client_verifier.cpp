#include "net/client_verifier.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/check.h"
#include "crypto/digest.h"
#include "net/tls_failure.h"

namespace postern::net {
namespace {

constexpr size_t longest_host = 255;
constexpr long certificates_sent_max = 64 * 1024;  // bytes of a client's chain
constexpr const char* purpose = "ssl_client";      // as OpenSSL calls the certificates of TLS clients

using StoreContext = std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)>;

// Other owners of the same certificates.
std::vector<Certificate> shared(const STACK_OF(X509) * chain) {
  std::vector<Certificate> certificates;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* one = sk_X509_value(chain, i);
    X509_up_ref(one);
    certificates.emplace_back(one);
  }
  return certificates;
}

std::string digest_of(const Certificate& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string digest_of(const RevocationList& list) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  X509_CRL_digest(list.get(), EVP_sha256(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

}  // namespace

tl::expected<std::shared_ptr<const ClientVerifier>, std::string> ClientVerifier::make(
    ClientVerifierOptions options) {
  std::shared_ptr<ClientVerifier> made(new ClientVerifier(std::move(options)));
  auto authorities = read_authorities(made->options_.ca_file);
  if (!authorities) return tl::unexpected(authorities.error());
  made->authorities_ = std::move(*authorities);
  if (!made->options_.crl_file.empty()) {
    auto lists = read_revocation_lists(made->options_.crl_file);
    if (!lists) return tl::unexpected(lists.error());
    made->lists_ = std::move(*lists);
  }
  if (!made->make_store())
    return tl::unexpected("OpenSSL cannot use the certificates of " + made->options_.ca_file);
  std::string rules = "postern client certificates";
  rules += made->options_.required ? " required" : " wanted";
  rules += made->options_.takes_expired_lists ? " and expired lists " : " ";
  rules += std::to_string(made->options_.depth);
  for (const Certificate& one : made->authorities_) rules += digest_of(one);
  for (const RevocationList& one : made->lists_) rules += digest_of(one);
  made->identity_ = crypto::as_bytes(crypto::sha256(rules));
  return std::shared_ptr<const ClientVerifier>(std::move(made));
}

bool ClientVerifier::make_store() {
  store_.reset(X509_STORE_new());
  if (!store_) return false;
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;  // an authority need not be self-signed
  if (!lists_.empty()) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  bool is_good =
      X509_STORE_set_flags(store_.get(), flags) == 1 && X509_STORE_set_ex_data(store_.get(), 0, this) == 1;
  X509_STORE_set_verify_cb(store_.get(), &ClientVerifier::judge_certificate);
  for (const Certificate& one : authorities_)
    is_good = is_good && X509_STORE_add_cert(store_.get(), one.get()) == 1;
  for (const RevocationList& one : lists_)
    is_good = is_good && X509_STORE_add_crl(store_.get(), one.get()) == 1;
  ERR_clear_error();
  return is_good;
}

bool ClientVerifier::asks(std::string_view host) const {
  if (options_.names.empty()) return true;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > longest_host) return false;
  std::array<char, longest_host> lowered{};
  std::transform(host.begin(), host.end(), lowered.begin(), base::lower);
  const std::string_view name(lowered.data(), host.size());
  return std::any_of(options_.names.begin(), options_.names.end(), [name](std::string_view one) {
    if (!one.starts_with("*.")) return one == name;
    one.remove_prefix(1);
    return name.size() > one.size() && name.ends_with(one);
  });
}

void ClientVerifier::set_up(SSL_CTX* context) const {
  // Not SSL_CTX_set1_cert_store(), from which OpenSSL would also complete the chain of the listener's
  // certificate.
  SSL_CTX_set1_verify_cert_store(context, store_.get());
  SSL_CTX_set_verify_depth(context, options_.depth);
  SSL_CTX_set_max_cert_list(context, certificates_sent_max);
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  for (const Certificate& one : authorities_) {
    X509_NAME* name = X509_NAME_dup(X509_get_subject_name(one.get()));
    if (name && sk_X509_NAME_push(names, name) <= 0) X509_NAME_free(name);
  }
  SSL_CTX_set_client_CA_list(context, names);  // takes the list
  SSL_CTX_set_session_ticket_cb(context, nullptr, &ClientVerifier::judge_session,
                                const_cast<ClientVerifier*>(this));
}

void ClientVerifier::ask(SSL* ssl) const {
  static_assert(sizeof(crypto::Sha256Digest) <= SSL_MAX_SID_CTX_LENGTH);
  SSL_set_verify(ssl, SSL_VERIFY_PEER | (options_.required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  const bool is_set =
      SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(identity_.data()),
                                 static_cast<unsigned int>(identity_.size())) == 1;
  base::check(is_set, "a session context fits");
}

// OpenSSL calls it for each certificate of a chain, and for each error.
int ClientVerifier::judge_certificate(int is_good, X509_STORE_CTX* context) {
  if (is_good == 1) return 1;
  const auto* self =
      static_cast<const ClientVerifier*>(X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(context), 0));
  const int error = X509_STORE_CTX_get_error(context);
  const int top = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
  // The configuration vouches for the authority itself.
  const bool needs_no_list =
      error == X509_V_ERR_UNABLE_TO_GET_CRL && X509_STORE_CTX_get_error_depth(context) == top;
  if (needs_no_list || (error == X509_V_ERR_CRL_HAS_EXPIRED && self->options_.takes_expired_lists)) {
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  note_refused_certificate(X509_STORE_CTX_get_current_cert(context), X509_STORE_CTX_get_error_depth(context));
  return 0;
}

// A session is resumed only if the client's certificate would be taken as well if it was shown now: it may
// have expired in the meantime, or the revocation list may have. A chain with certificates that the client
// has sent cannot be verified again, since a session holds the client's own only; then there is a full
// handshake.
SSL_TICKET_RETURN ClientVerifier::judge_session(SSL*, SSL_SESSION* session, const unsigned char*, size_t,
                                                SSL_TICKET_STATUS status, void* self) {
  const bool is_readable = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (!is_readable) return SSL_TICKET_RETURN_IGNORE_RENEW;
  X509* leaf = SSL_SESSION_get0_peer(session);
  if (leaf && static_cast<const ClientVerifier*>(self)->chain_of(leaf).empty())
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

// Empty when the certificate is not taken.
std::vector<Certificate> ClientVerifier::chain_of(X509* leaf) const {
  const StoreContext context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  std::vector<Certificate> chain;
  if (context && X509_STORE_CTX_init(context.get(), store_.get(), leaf, nullptr) == 1 &&
      X509_STORE_CTX_set_default(context.get(), purpose) == 1) {
    X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(context.get()), options_.depth);
    if (X509_verify_cert(context.get()) == 1) chain = shared(X509_STORE_CTX_get0_chain(context.get()));
  }
  ERR_clear_error();
  return chain;
}

std::shared_ptr<const ClientCertificate> ClientVerifier::certificate_of(const SSL* ssl) const {
  X509* leaf = SSL_get0_peer_certificate(ssl);
  if (!leaf) return nullptr;
  std::vector<Certificate> chain =
      SSL_session_reused(ssl) == 1 ? chain_of(leaf) : shared(SSL_get0_verified_chain(ssl));
  if (chain.empty()) return nullptr;
  return std::make_shared<const ClientCertificate>(describe(std::move(chain)));
}

bool ClientVerifier::is_revoked(const X509* certificate) const {
  return std::any_of(lists_.begin(), lists_.end(), [certificate](const RevocationList& list) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(list.get()), X509_get_issuer_name(certificate)) != 0) return false;
    X509_REVOKED* entry = nullptr;
    return X509_CRL_get0_by_cert(list.get(), &entry, const_cast<X509*>(certificate)) == 1;
  });
}

bool ClientVerifier::is_authority(const X509* certificate) const {
  // One whose certificate was renewed is the same authority.
  return std::any_of(authorities_.begin(), authorities_.end(), [certificate](const Certificate& one) {
    return X509_NAME_cmp(X509_get_subject_name(one.get()), X509_get_subject_name(certificate)) == 0 &&
           EVP_PKEY_eq(X509_get0_pubkey(one.get()), X509_get0_pubkey(certificate)) == 1;
  });
}

bool ClientVerifier::still_takes(const ClientCertificate& certificate) const {
  const std::vector<Certificate>& chain = certificate.chain;
  const auto is_one = [this](const Certificate& one) { return is_authority(one.get()); };
  const auto authority = std::find_if(chain.begin(), chain.end(), is_one);
  const auto between = std::distance(chain.begin(), authority) - 1;
  if (authority == chain.end() || between > options_.depth) return false;
  return std::none_of(chain.begin(), std::next(authority),
                      [this](const Certificate& one) { return is_revoked(one.get()); });
}

}  // namespace postern::net
