#include "net/tls_context.h"

#include <ares.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <uv.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/ascii.h"
#include "base/check.h"
#include "net/tls_failure.h"

namespace postern::net {
namespace {

constexpr const char* default_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* cipher_suites_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr long session_seconds = 7200;

// The DNS names of a certificate in lower case; the common name when there are none.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.push_back(base::to_lower({text, static_cast<size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  GENERAL_NAMES_free(alternatives);
  if (names.empty()) {
    std::array<char, 256> common{};
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common.data(),
                                  common.size()) > 0)
      names.push_back(base::to_lower(common.data()));
  }
  return names;
}

// The host name that the client sends by SNI (RFC 6066 section 3); empty: none, or one that OpenSSL refuses
// later.
std::string_view name_in_hello(SSL* ssl) {
  constexpr size_t before_name =
      5;  // the sizes of the list and of the name, and the kind of name between them
  const unsigned char* data = nullptr;
  size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1 || size < before_name)
    return {};
  const size_t name_size = (static_cast<size_t>(data[3]) << 8) | data[4];
  if (data[2] != TLSEXT_NAMETYPE_host_name || name_size != size - before_name) return {};
  return {reinterpret_cast<const char*>(data + before_name), name_size};
}

// Returns why the certificate cannot be shown to servers; empty: it can.
std::string use_certificate(SSL_CTX* context, const KeyPairFiles& files) {
  const PrivateKey key = read_key(files.key);
  if (!key)
    return trouble_opening(files.key).value_or("cannot read the private key " + files.key + ": " +
                                               tls_failure_reason());
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return trouble_opening(files.certificate)
        .value_or("cannot use the certificate " + files.certificate + ": " + tls_failure_reason());
  if (SSL_CTX_use_PrivateKey(context, key.get()) == 1) return {};
  ERR_clear_error();
  return "the private key " + files.key + " does not belong to " + files.certificate;
}

// OpenSSL calls it where a server asks for a certificate and none that was given is of use to it.
int note_missing_certificate(SSL* ssl, X509**, EVP_PKEY**) {
  note_certificate_wanted(ssl);
  return 0;
}

void apply_common(SSL_CTX* context) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set1_groups_list(context, groups);
  SSL_CTX_set_ciphersuites(context, cipher_suites_1_3);
}

}  // namespace

std::string library_versions() {
  return "libuv " + std::string(uv_version_string()) + ", " + OpenSSL_version(OPENSSL_VERSION) + ", c-ares " +
         ares_version(nullptr);
}

std::string tls_failure_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : "connection closed during the handshake";
}

void TicketKeys::rotate() {
  Key key;
  base::check(RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
                  RAND_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
                  RAND_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1,
              "no random bytes");
  const std::lock_guard lock(mutex_);
  keys_.insert(keys_.begin(), key);
  if (keys_.size() > kept) keys_.pop_back();
}

int TicketKeys::ticket_callback(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                                EVP_MAC_CTX* mac, int sealing) {
  auto* self = static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const std::lock_guard lock(self->mutex_);
  size_t index = 0;
  if (sealing) {
    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return -1;
    std::memcpy(name, self->keys_.front().name.data(), self->keys_.front().name.size());
  } else {
    const auto found = std::find_if(self->keys_.begin(), self->keys_.end(), [name](const Key& key) {
      return std::memcmp(key.name.data(), name, key.name.size()) == 0;
    });
    if (found == self->keys_.end()) return 0;  // no such key: do a full handshake
    index = static_cast<size_t>(found - self->keys_.begin());
  }
  Key& key = self->keys_[index];
  std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(mac, parameters.data()) != 1) return -1;
  const EVP_CIPHER* algorithm = EVP_aes_256_cbc();
  const int begun = sealing ? EVP_EncryptInit_ex(cipher, algorithm, nullptr, key.cipher.data(), iv)
                            : EVP_DecryptInit_ex(cipher, algorithm, nullptr, key.cipher.data(), iv);
  if (begun != 1) return -1;
  return index == 0 ? 1 : 2;  // 2: decrypted, and a new ticket is issued with the current key
}

tl::expected<std::unique_ptr<const ServerTls>, std::string> ServerTls::make(const ServerTlsOptions& options,
                                                                            TicketKeys& tickets) {
  const auto refuse = [](std::string sentence) { return tl::unexpected(std::move(sentence)); };
  struct Loaded {
    const ServerTlsOptions::Files* files;
    bool rsa;
    std::vector<std::string> names;
  };
  std::vector<Loaded> loaded;
  for (const ServerTlsOptions::Files& files : options.certificates) {
    const Certificate leaf = read_leaf(files.certificate);
    if (!leaf)
      return refuse("cannot read a PEM certificate from " + files.certificate + ": " + tls_failure_reason());
    const bool rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(leaf.get())) == EVP_PKEY_RSA;
    loaded.push_back({&files, rsa, names_of(leaf.get())});
  }

  auto made = std::make_unique<ServerTls>();
  made->protocols_ = options.protocols;
  made->clients_ = options.clients;
  // For each name, take the first certificate of each key type that contains the name. Names with the same
  // pair share a context. The pair of the first certificate is the default.
  using Pair = std::pair<const Loaded*, const Loaded*>;
  const auto pair_for = [&loaded](const std::string& name) {
    Pair pair{nullptr, nullptr};
    for (const Loaded& candidate : loaded) {
      if (std::find(candidate.names.begin(), candidate.names.end(), name) == candidate.names.end()) continue;
      const Loaded*& place = candidate.rsa ? pair.first : pair.second;
      if (!place) place = &candidate;
    }
    return pair;
  };
  std::map<Pair, size_t> contexts;
  const auto context_of = [&](Pair pair) -> tl::expected<size_t, std::string> {
    if (const auto known = contexts.find(pair); known != contexts.end()) return known->second;
    SslContext context(SSL_CTX_new(TLS_server_method()));
    if (!context) return refuse("OpenSSL cannot make a context: " + tls_failure_reason());
    apply_common(context.get());
    SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_min_proto_version(context.get(), options.tls1_3_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    const std::string& ciphers = options.ciphers;
    if (SSL_CTX_set_cipher_list(context.get(), ciphers.empty() ? default_ciphers : ciphers.c_str()) != 1)
      return refuse("no usable cipher in \"" + ciphers + "\"");
    SSL_CTX_set_num_tickets(context.get(), 1);
    SSL_CTX_set_timeout(context.get(), session_seconds);
    SSL_CTX_set_app_data(context.get(), &tickets);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), &TicketKeys::ticket_callback);
    constexpr std::string_view session_context = "postern";
    SSL_CTX_set_session_id_context(context.get(),
                                   reinterpret_cast<const unsigned char*>(session_context.data()),
                                   static_cast<unsigned int>(session_context.size()));
    SSL_CTX_set_tlsext_servername_callback(context.get(), &ServerTls::choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context.get(), made.get());
    SSL_CTX_set_alpn_select_cb(context.get(), &ServerTls::choose_protocol, made.get());
    if (options.clients) {
      options.clients->set_up(context.get());
      SSL_CTX_set_client_hello_cb(context.get(), &ServerTls::greet, made.get());
    }
    for (const Loaded* one : {pair.first, pair.second}) {
      if (!one) continue;
      if (SSL_CTX_use_certificate_chain_file(context.get(), one->files->certificate.c_str()) != 1)
        return refuse("cannot use the certificate " + one->files->certificate + ": " + tls_failure_reason());
      if (SSL_CTX_use_PrivateKey_file(context.get(), one->files->key.c_str(), SSL_FILETYPE_PEM) != 1)
        return refuse("cannot use the private key " + one->files->key + ": " + tls_failure_reason());
      if (SSL_CTX_check_private_key(context.get()) != 1)
        return refuse("the private key " + one->files->key + " does not belong to " +
                      one->files->certificate);
    }
    made->contexts_.push_back(std::move(context));
    contexts[pair] = made->contexts_.size() - 1;
    return made->contexts_.size() - 1;
  };

  for (const Loaded& one : loaded) {
    if (one.names.empty()) {
      const auto context = context_of(one.rsa ? Pair{&one, nullptr} : Pair{nullptr, &one});
      if (!context) return refuse(context.error());
    }
    for (const std::string& name : one.names) {
      const auto context = context_of(pair_for(name));
      if (!context) return refuse(context.error());
      made->by_name_.emplace(name, *context);
    }
  }
  return std::unique_ptr<const ServerTls>(std::move(made));
}

SSL_CTX* ServerTls::context_for(std::string_view name) const {
  const std::string lowered = base::to_lower(name);
  if (const auto exact = by_name_.find(lowered); exact != by_name_.end())
    return contexts_[exact->second].get();
  if (const size_t dot = lowered.find('.'); dot != lowered.npos) {
    const auto wildcard = by_name_.find("*" + lowered.substr(dot));
    if (wildcard != by_name_.end()) return contexts_[wildcard->second].get();
  }
  return default_context();
}

// Decides, before OpenSSL looks for a session, whether the client is asked for a certificate.
int ServerTls::greet(SSL* ssl, int*, void* self) {
  const ClientVerifier& clients = *static_cast<const ServerTls*>(self)->clients_;
  if (clients.asks(name_in_hello(ssl))) clients.ask(ssl);
  return SSL_CLIENT_HELLO_SUCCESS;
}

int ServerTls::choose_certificate(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name) SSL_set_SSL_CTX(ssl, static_cast<const ServerTls*>(self)->context_for(name));
  return SSL_TLSEXT_ERR_OK;
}

int ServerTls::choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                               const unsigned char* offered, unsigned int offered_length, void* self) {
  for (const std::string& ours : static_cast<const ServerTls*>(self)->protocols_)
    for (unsigned int at = 0; at < offered_length; at += 1u + offered[at]) {
      const std::string_view protocol(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
      if (protocol != ours) continue;
      *out = offered + at + 1;
      *out_length = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  note_refused_protocols({reinterpret_cast<const char*>(offered), offered_length});
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2
}

tl::expected<std::unique_ptr<const ClientTls>, std::string> ClientTls::make(const ClientTlsOptions& options) {
  auto made = std::make_unique<ClientTls>();
  made->insecure_ = options.insecure;
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (!context) return tl::unexpected("OpenSSL cannot make a context: " + tls_failure_reason());
  apply_common(context);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  std::string offered;
  for (const std::string& protocol : options.protocols)
    offered.append(1, static_cast<char>(protocol.size())).append(protocol);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offered.data()),
                          static_cast<unsigned int>(offered.size()));
  SSL_CTX_set_client_cert_cb(context, &note_missing_certificate);
  if (options.certificate)
    if (std::string trouble = use_certificate(context, *options.certificate); !trouble.empty())
      return tl::unexpected(std::move(trouble));
  if (options.insecure) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const int loaded = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                               : SSL_CTX_load_verify_file(context, options.ca_file.c_str());
    if (loaded != 1) {
      const std::string reason = tls_failure_reason();
      return tl::unexpected(
          trouble_opening(options.ca_file)
              .value_or("cannot read certificates from " + options.ca_file + ": " + reason));
    }
  }
  return std::unique_ptr<const ClientTls>(std::move(made));
}

}  // namespace postern::net
