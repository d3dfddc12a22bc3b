#include "support/raw_tls_client.h"

#include <openssl/err.h>

#include <array>

namespace postern::support {

RawTlsClient::RawTlsClient(std::unique_ptr<net::Transport> transport)
    : carrier_(std::move(transport)), context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_, [](SSL* ssl, SSL_SESSION* session) {
    auto* self = static_cast<RawTlsClient*>(SSL_get_app_data(ssl));
    SSL_SESSION_free(self->session_);
    self->session_ = session;
    return 1;
  });
  ssl_ = SSL_new(context_);
  SSL_set_app_data(ssl_, this);
  SSL_set_info_callback(ssl_, [](const SSL* ssl, int where, int alert) {
    if (where == SSL_CB_READ_ALERT) static_cast<RawTlsClient*>(SSL_get_app_data(ssl))->alert_ = alert & 0xff;
  });
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl_), -1);
  SSL_set_connect_state(ssl_);
  carrier_.on_hearing = [this](ScriptedPeer&) { go_on(); };
}

RawTlsClient::~RawTlsClient() {
  SSL_free(ssl_);
  SSL_SESSION_free(session_);
  SSL_CTX_free(context_);
}

void RawTlsClient::offer_protocols(std::string_view wire_form) {
  SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire_form.data()),
                      static_cast<unsigned int>(wire_form.size()));
}

void RawTlsClient::go_on() {
  const std::string came = carrier_.take_heard();
  BIO_write(SSL_get_rbio(ssl_), came.data(), static_cast<int>(came.size()));
  ERR_clear_error();
  if (!connected_ && !failed_) {
    const int done = SSL_do_handshake(ssl_);
    connected_ = done == 1;
    failed_ = !connected_ && SSL_get_error(ssl_, done) != SSL_ERROR_WANT_READ;
  }
  while (connected_ && !ended_ && !failed_) {
    std::array<char, 16 * 1024> buffer;
    size_t count = 0;
    const int got = SSL_read_ex(ssl_, buffer.data(), buffer.size(), &count);
    if (got == 1) {
      heard_.append(buffer.data(), count);
      continue;
    }
    const int error = SSL_get_error(ssl_, got);
    if (error == SSL_ERROR_WANT_READ) break;
    ended_ = error == SSL_ERROR_ZERO_RETURN;
    failed_ = !ended_;
  }
  ERR_clear_error();
  send_records();
}

void RawTlsClient::send_records() {
  std::array<char, 16 * 1024> out;
  for (int count = 0; (count = BIO_read(SSL_get_wbio(ssl_), out.data(), out.size())) > 0;)
    carrier_.send({out.data(), static_cast<size_t>(count)});
}

void RawTlsClient::send(std::string_view text) {
  SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  go_on();
}

void RawTlsClient::update_keys() {
  SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(ssl_);
  send_records();
}

void RawTlsClient::finish() {
  SSL_shutdown(ssl_);
  go_on();
}

std::string RawTlsClient::certificate_name() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (!certificate) return {};
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
  return name.data();
}

bool RawTlsClient::certificate_is_rsa() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate && EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_RSA;
}

std::string RawTlsClient::protocol() const {
  const unsigned char* text = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &text, &size);
  return text ? std::string(reinterpret_cast<const char*>(text), size) : std::string();
}

}  // namespace postern::support
