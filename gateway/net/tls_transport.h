// TLS as a transport over another transport. OpenSSL reads and writes the loop's buffers through one BIO that
// all connections of a thread share, so an idle connection holds its SSL object and no buffers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/pool.h"
#include "base/slot.h"
#include "base/turn.h"
#include "net/put_back.h"
#include "net/tls_context.h"
#include "net/transport.h"

namespace postern::net {

class TlsTransport final : public Transport,
                           private Transport::Receiver,
                           private base::Flushable,
                           public base::Pooled {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  static std::unique_ptr<TlsTransport> server(base::Turn& turn, std::unique_ptr<Transport> carrier,
                                              const ServerTls& tls);
  // Sends the ClientHello at once. Verifies `server_name`, a DNS name or an address, unless the options
  // disable verification.
  static std::unique_ptr<TlsTransport> client(base::Turn& turn, std::unique_ptr<Transport> carrier,
                                              const ClientTls& tls, const std::string& server_name);
  ~TlsTransport() override;

  // Filled once, when the handshake has ended. It fails with tls_expected when the first bytes are plain
  // HTTP: the carrier can then be taken back for an answer without TLS.
  base::Slot<bool>& handshaken() { return handshaken_; }
  // For a failed handshake: whether an alert was sent, after which our direction is ended. The peer does not
  // receive the alert when the carrier is freed in the same turn.
  bool said_why() const { return said_why_; }
  std::unique_ptr<Transport> take_carrier() { return std::move(carrier_); }
  std::string_view server_name() const;  // the name that the client sent by SNI; empty without
  // On the server's side, when the handshake has succeeded: whether the client was asked for a certificate,
  // and the one that it has shown; null: none.
  bool has_asked_client() const { return ClientVerifier::has_asked(ssl_.get()); }
  std::shared_ptr<const ClientCertificate> client_certificate(const ClientVerifier& verifier) const {
    return verifier.certificate_of(ssl_.get());
  }
  std::string_view protocol() const override;
  std::string_view failure() const override { return failure_; }

  void start(Transport::Receiver& receiver) override;
  void write(base::Chunk chunk) override;
  void write(base::Bytes bytes) override;
  size_t backlog() const override { return plain_.bytes() + carrier_->backlog(); }
  void tell_when_sent() override;
  Transit transit() const override {
    Transit transit = carrier_->transit();
    transit.outstanding += plain_.bytes();
    return transit;
  }
  void pause() override;
  void resume() override;
  void abort() override { carrier_->abort(); }
  void finish() override;
  void unread(base::Chunk bytes) override;
  const Peer& peer() const override { return carrier_->peer(); }

 private:
  struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  enum class State : uint8_t { handshaking, open, failed };

  TlsTransport(base::Turn& turn, std::unique_ptr<Transport> carrier, SSL_CTX* context, bool server);
  void on_bytes(base::Bytes bytes) override;
  void on_drained() override;
  void on_sent() override;
  void on_end() override;
  void on_hang_up(bool reset) override;
  void on_closed(base::Error why) override;
  void flush() override;

  void shake_hands();
  void read_records();
  void encrypt(base::Bytes plain, bool send_now);
  void fail(base::Cause cause, std::string words);
  base::Error why_broken();
  static int bio_read(BIO* bio, char* into, int size);
  static int bio_write(BIO* bio, const char* from, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  static BIO* shared_bio();

  base::Turn& turn_;
  std::unique_ptr<Transport> carrier_;
  std::unique_ptr<SSL, SslFree> ssl_;
  Transport::Receiver* receiver_ = nullptr;
  base::ChunkQueue plain_;  // is encrypted at the end of the turn
  PutBack put_back_;        // decrypted bytes
  base::Slot<bool> handshaken_;
  std::string failure_;
  size_t answers_ = 0;  // bytes that OpenSSL wrote while reading; they may still be in the backlog
  State state_ = State::handshaking;
  bool server_;
  bool paused_ = true;
  bool first_bytes_ = true;
  bool finishing_ = false;
  bool said_why_ = false;
  bool tell_sent_ = false;  // on_sent is due
  bool ended_ = false;
  bool end_waits_ = false;  // the end was read, and the receiver was not notified yet
  bool unheard_ = false;    // reading stops until the peer has accepted the bytes of answers_
};

}  // namespace postern::net
