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
#include <ctime>
#include <filesystem>
#include <fstream>
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

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, X509Free>;

Certificate read_leaf(const std::string& file) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_file(file.c_str(), "r"), BIO_free);
  return Certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

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

// Why a file cannot be opened; nothing if it can.
std::optional<std::string> trouble_opening(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return file + " is a directory";
  if (!std::filesystem::exists(file, error)) return file + " does not exist";
  if (!std::ifstream(file)) return file + " cannot be opened; may this user read it?";
  return std::nullopt;
}

// Whole days from now until `time`; negative when `time` has passed.
std::optional<int> days_until(const ASN1_TIME* time, int64_t now_unix) {
  const std::unique_ptr<ASN1_TIME, void (*)(ASN1_TIME*)> now(
      ASN1_TIME_set(nullptr, static_cast<time_t>(now_unix)), ASN1_TIME_free);
  int days = 0;
  int seconds = 0;
  if (!now || ASN1_TIME_diff(&days, &seconds, now.get(), time) != 1) return std::nullopt;
  return seconds < 0 ? days - 1 : days;
}

std::string days_text(int days) {
  if (days == 0) return "less than a day";
  return std::to_string(days) + (days == 1 ? " day" : " days");
}

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, KeyFree>;

PrivateKey read_key(const std::string& file) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_file(file.c_str(), "r"), BIO_free);
  // OpenSSL would ask for a passphrase on the terminal, but nobody is there to type it.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  return PrivateKey(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
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

CertificateFindings examine_certificate(const ServerTlsOptions::Files& files, int64_t now_unix) {
  CertificateFindings findings;
  const Certificate leaf = read_leaf(files.certificate);
  const PrivateKey key = read_key(files.key);
  if (!leaf && !key && read_key(files.certificate) && read_leaf(files.key)) {
    findings.problems.push_back(files.certificate + " holds a private key and " + files.key +
                                " a certificate: they seem to be swapped");
    ERR_clear_error();
    return findings;
  }
  if (!leaf) {
    ERR_clear_error();
    findings.problems.push_back(
        trouble_opening(files.certificate).value_or(files.certificate + " holds no PEM certificate"));
  }
  if (!key) {
    ERR_clear_error();
    findings.problems.push_back(
        trouble_opening(files.key).value_or(files.key + " holds no PEM private key without a passphrase"));
  }
  if (!leaf || !key) return findings;
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    ERR_clear_error();
    findings.problems.push_back("the private key " + files.key + " does not belong to " + files.certificate);
    return findings;
  }
  constexpr int warn_days = 14;
  const std::optional<int> left = days_until(X509_get0_notAfter(leaf.get()), now_unix);
  if (left && *left < 0)
    findings.warnings.push_back("the certificate " + files.certificate + " has expired; browsers refuse it");
  else if (left && *left < warn_days)
    findings.warnings.push_back("the certificate " + files.certificate + " expires in " + days_text(*left));
  auto now = static_cast<time_t>(now_unix);
  if (X509_cmp_time(X509_get0_notBefore(leaf.get()), &now) > 0)
    findings.warnings.push_back("the certificate " + files.certificate + " is not valid yet");
  return findings;
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
