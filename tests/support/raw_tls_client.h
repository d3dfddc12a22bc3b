// A TLS client directly on OpenSSL, for what the gateway's own client never does: other versions, other
// protocols, tickets. It communicates through a ScriptedPeer.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "support/memory_transport.h"

namespace postern::support {

class RawTlsClient {
 public:
  explicit RawTlsClient(std::unique_ptr<net::Transport> transport);
  ~RawTlsClient();
  RawTlsClient(const RawTlsClient&) = delete;
  RawTlsClient& operator=(const RawTlsClient&) = delete;

  // --- before the handshake ---
  SSL* ssl() { return ssl_; }
  SSL_CTX* context() { return context_; }
  void ask_for(const std::string& server_name) { SSL_set_tlsext_host_name(ssl_, server_name.c_str()); }
  void offer_protocols(std::string_view wire_form);
  void resume(SSL_SESSION* session) { SSL_set_session(ssl_, session); }

  // Begins the handshake; connected() is true once it is complete.
  void begin() { go_on(); }
  bool connected() const { return connected_; }
  bool failed() const { return failed_; }
  int alert() const { return alert_; }  // the last alert from the server; -1 without

  void send(std::string_view text);
  void update_keys();  // also asks the server to update its keys (RFC 8446 4.6.3)
  void finish();       // sends close_notify; the other direction stays open
  const std::string& heard() const { return heard_; }  // decrypted
  bool ended() const { return ended_; }                // received a close_notify

  // The last session that the server issued; null without. Owned by this client.
  SSL_SESSION* session() const { return session_; }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  std::string certificate_name() const;  // the common name of the server's certificate
  bool certificate_is_rsa() const;
  std::string protocol() const;  // negotiated by ALPN
  ScriptedPeer& carrier() { return carrier_; }

 private:
  void go_on();
  void send_records();

  ScriptedPeer carrier_;
  SSL_CTX* context_;
  SSL* ssl_;
  SSL_SESSION* session_ = nullptr;
  std::string heard_;
  int alert_ = -1;
  bool connected_ = false;
  bool failed_ = false;
  bool ended_ = false;
};

}  // namespace postern::support
