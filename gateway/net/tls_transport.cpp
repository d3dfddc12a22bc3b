#include "net/tls_transport.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "net/proxy_protocol.h"
#include "net/tls_failure.h"

namespace postern::net {
namespace {

constexpr size_t record_max = SSL3_RT_MAX_PLAIN_LENGTH;  // 16 KiB
constexpr size_t joined_below = 512;  // bytes; smaller chunks are copied to the end of the queue
constexpr size_t plain_buffer_size = 4 * record_max;
constexpr size_t answers_max = 16 * 1024;  // bytes written while reading that the peer did not accept

// The source and the destination of the shared BIO during one call into OpenSSL.
struct Current {
  base::Bytes input;
  Transport* carrier = nullptr;
  bool send_now = false;
  size_t* answers = nullptr;  // during a read: counts the bytes that it makes OpenSSL write
};
thread_local Current current;
thread_local std::array<std::byte, plain_buffer_size> plain_buffer;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

}  // namespace

int TlsTransport::bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  // A peer can make every record require an answer (a KeyUpdate, an attempt to renegotiate) and accept none
  // of the answers; then stop reading from it. Other bytes that we write do not count: a client that sends a
  // body may read nothing until it has sent all of it.
  const bool unheard =
      current.answers && *current.answers > answers_max && current.carrier->backlog() > Transport::high_water;
  const size_t count = unheard ? 0 : std::min(current.input.size(), static_cast<size_t>(size));
  if (count == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(into, current.input.data(), count);
  current.input = current.input.subspan(count);
  return static_cast<int>(count);
}

int TlsTransport::bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const base::Bytes bytes = base::bytes_of({from, static_cast<size_t>(size)});
  if (current.answers) *current.answers += bytes.size();
  if (current.send_now)
    current.carrier->write(bytes);
  else
    current.carrier->write(base::Chunk::copy_of(bytes));
  return size;
}

long TlsTransport::bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* TlsTransport::shared_bio() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loop buffers");
    BIO_meth_set_read(made, &TlsTransport::bio_read);
    BIO_meth_set_write(made, &TlsTransport::bio_write);
    BIO_meth_set_ctrl(made, &TlsTransport::bio_control);
    return made;
  }();
  thread_local const std::unique_ptr<BIO, BioFree> bio = [] {
    std::unique_ptr<BIO, BioFree> made(BIO_new(method));
    BIO_set_init(made.get(), 1);
    return made;
  }();
  return bio.get();
}

TlsTransport::TlsTransport(base::Turn& turn, std::unique_ptr<Transport> carrier, SSL_CTX* context,
                           bool server)
    : turn_(turn), carrier_(std::move(carrier)), ssl_(SSL_new(context)), server_(server) {
  base::check(ssl_ != nullptr, "out of memory for a TLS connection");
  BIO* bio = shared_bio();
  BIO_up_ref(bio);
  BIO_up_ref(bio);
  SSL_set0_rbio(ssl_.get(), bio);
  SSL_set0_wbio(ssl_.get(), bio);
}

TlsTransport::~TlsTransport() = default;

std::unique_ptr<TlsTransport> TlsTransport::server(base::Turn& turn, std::unique_ptr<Transport> carrier,
                                                   const ServerTls& tls) {
  std::unique_ptr<TlsTransport> transport(
      new TlsTransport(turn, std::move(carrier), tls.default_context(), true));
  SSL_set_accept_state(transport->ssl_.get());
  transport->carrier_->start(*transport);
  return transport;
}

std::unique_ptr<TlsTransport> TlsTransport::client(base::Turn& turn, std::unique_ptr<Transport> carrier,
                                                   const ClientTls& tls, const std::string& server_name) {
  std::unique_ptr<TlsTransport> transport(new TlsTransport(turn, std::move(carrier), tls.context(), false));
  SSL* ssl = transport->ssl_.get();
  SSL_set_connect_state(ssl);
  if (base::IpAddress::parse(server_name)) {
    if (!tls.insecure()) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, server_name.c_str());
    if (!tls.insecure()) {
      SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);  // no common names (RFC 9525 section 2)
      SSL_set1_host(ssl, server_name.c_str());
    }
  }
  transport->carrier_->start(*transport);
  transport->shake_hands();
  return transport;
}

std::string_view TlsTransport::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name ? name : std::string_view();
}

std::string_view TlsTransport::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

void TlsTransport::start(Transport::Receiver& receiver) {
  receiver_ = &receiver;
  resume();
}

// Pauses the carrier too: its end must not overtake bytes that wait here.
void TlsTransport::pause() {
  paused_ = true;
  if (state_ == State::open) carrier_->pause();
}

void TlsTransport::resume() {
  if (!paused_) return;
  paused_ = false;
  if (!unheard_) carrier_->resume();
  // Decrypted bytes wait for a call from the carrier, so that nothing is delivered before the next turn.
  if (put_back_.waits() || end_waits_) carrier_->unread(base::Chunk());
}

void TlsTransport::unread(base::Chunk bytes) {
  put_back_.add(std::move(bytes));
  if (!paused_) carrier_->unread(base::Chunk());
}

void TlsTransport::on_bytes(base::Bytes bytes) {
  if (state_ == State::failed || ended_) return;  // bytes after a close_notify are ignored (RFC 8446 6.1)
  if (server_ && first_bytes_ && !bytes.empty()) {
    first_bytes_ = false;
    if (begins_proxy_header(bytes))
      return fail(base::Cause::tls_handshake_failed,
                  "a PROXY protocol header, from an address that this listener does not trust with one");
    const char first = static_cast<char>(bytes.front());
    if (first >= 'A' && first <= 'Z')  // a method name; a TLS record begins with 22
      return fail(base::Cause::tls_expected, "plain HTTP was sent to a TLS port");
  }
  if (carrier_->backlog() == 0) answers_ = 0;
  current.input = bytes;
  if (state_ == State::handshaking) shake_hands();
  if (state_ == State::open && receiver_ && !paused_) read_records();
  if (state_ != State::failed && !current.input.empty()) {
    // Unless paused or ended, input is left only because the peer does not accept the answers; reading
    // continues when it has accepted them.
    unheard_ = !paused_ && !ended_;
    carrier_->pause();
    carrier_->unread(base::Chunk::copy_of(current.input));
  }
  current.input = {};
}

void TlsTransport::shake_hands() {
  current.carrier = carrier_.get();
  current.send_now = false;
  ERR_clear_error();
  const size_t waiting = carrier_->backlog();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) {
    state_ = State::open;
    if (!receiver_) carrier_->pause();
    handshaken_.put(true);
    return;
  }
  if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return;
  fail(server_ ? base::Cause::tls_handshake_failed : base::Cause::upstream_tls_failed,
       handshake_failure(ssl_.get()));
  said_why_ = carrier_->backlog() > waiting;
  if (said_why_) carrier_->finish();
}

void TlsTransport::fail(base::Cause cause, std::string words) {
  state_ = State::failed;
  failure_ = std::move(words);
  carrier_->pause();
  handshaken_.put(base::fail(cause, server_ ? base::Stage::tls_handshake : base::Stage::upstream_tls));
}

void TlsTransport::read_records() {
  put_back_.deliver(receiver_, paused_);
  const auto deliver = [this](size_t count) {
    if (count > 0) receiver_->on_bytes(base::Bytes(plain_buffer.data(), count));
  };
  size_t filled = 0;
  while (!paused_ && !ended_) {
    if (plain_buffer.size() - filled < record_max) {  // OpenSSL needs room for a whole record
      deliver(filled);
      filled = 0;
      continue;
    }
    current.carrier = carrier_.get();
    current.send_now = false;
    ERR_clear_error();
    size_t count = 0;
    current.answers = &answers_;
    const int got =
        SSL_read_ex(ssl_.get(), plain_buffer.data() + filled, plain_buffer.size() - filled, &count);
    current.answers = nullptr;
    if (got == 1) {
      filled += count;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), got);
    if (error == SSL_ERROR_WANT_READ) return deliver(filled);
    deliver(filled);
    end_waits_ = paused_;
    if (paused_) return;  // resume() makes the end be read again
    current.input = {};
    ended_ = true;
    if (error == SSL_ERROR_ZERO_RETURN) return receiver_->on_end();
    state_ = State::failed;
    return receiver_->on_closed(why_broken());
  }
}

// Why the last record could not be read. Clears OpenSSL's error queue.
base::Error TlsTransport::why_broken() {
  if (!server_) failure_ = refusal_by_server(ssl_.get());
  ERR_clear_error();
  return failure_.empty() ? base::Error{base::Cause::client_closed, base::Stage::accept}
                          : base::Error{base::Cause::upstream_tls_failed, base::Stage::upstream_tls};
}

void TlsTransport::on_drained() {
  answers_ = 0;
  if (state_ == State::failed) return;
  if (std::exchange(unheard_, false) && !paused_) carrier_->resume();
  if (receiver_) receiver_->on_drained();
}

void TlsTransport::on_sent() {
  if (state_ == State::failed) return;
  if (!plain_.empty() || !std::exchange(tell_sent_, false)) return;  // flush() requests it again
  if (receiver_) receiver_->on_sent();
}

void TlsTransport::on_end() {
  if (state_ == State::handshaking)
    return fail(server_ ? base::Cause::tls_handshake_failed : base::Cause::upstream_tls_failed,
                "the peer closed the connection during the handshake");
  // Without a close_notify, the last bytes may have been cut off by an attacker on the path.
  if (state_ == State::open && !ended_)
    on_closed(base::Error{base::Cause::client_closed, base::Stage::accept});
}

void TlsTransport::on_hang_up(bool reset) {
  if (state_ == State::open && receiver_) receiver_->on_hang_up(reset);
}

void TlsTransport::on_closed(base::Error why) {
  if (state_ == State::handshaking)
    return fail(server_ ? base::Cause::tls_handshake_failed : base::Cause::upstream_tls_failed,
                "the connection broke during the handshake");
  if (state_ == State::failed) return;
  state_ = State::failed;
  if (receiver_) receiver_->on_closed(why);
}

void TlsTransport::write(base::Chunk chunk) {
  if (state_ != State::open || chunk.empty()) return;
  if (chunk.size() <= joined_below && !plain_.empty())
    plain_.push_copy(chunk.bytes());
  else
    plain_.push(std::move(chunk));
  turn_.flush_later(*this);
}

void TlsTransport::write(base::Bytes bytes) {
  if (state_ != State::open || bytes.empty()) return;
  if (!plain_.empty()) return plain_.push_copy(bytes);  // flush is scheduled already
  encrypt(bytes, bytes.size() <= record_max);
}

void TlsTransport::encrypt(base::Bytes plain, bool send_now) {
  const Current outer = current;  // a read may be in progress: tunnels write from within on_bytes
  current.carrier = carrier_.get();
  current.send_now = send_now;
  ERR_clear_error();
  size_t written = 0;
  const int done = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  current = outer;
  if (done == 1) return;
  ERR_clear_error();
  on_closed(base::Error{base::Cause::client_closed, base::Stage::accept});
}

void TlsTransport::flush() {
  // Small pieces are combined into one record. A single record is sent at once; several records are queued
  // first.
  const bool send_now = plain_.bytes() <= record_max;
  while (!plain_.empty() && state_ == State::open) {
    base::Chunk chunk = plain_.pop();
    if (plain_.empty() || chunk.size() >= record_max) {
      encrypt(chunk.bytes(), send_now);
      continue;
    }
    size_t filled = 0;
    while (filled + chunk.size() <= record_max) {
      std::memcpy(plain_buffer.data() + filled, chunk.data(), chunk.size());
      filled += chunk.size();
      chunk = plain_.empty() ? base::Chunk() : plain_.pop();
      if (chunk.empty()) break;
    }
    encrypt(base::Bytes(plain_buffer.data(), filled), send_now);
    if (!chunk.empty()) encrypt(chunk.bytes(), send_now);
  }
  if (finishing_ && state_ != State::handshaking) {
    if (state_ == State::open) {
      current.carrier = carrier_.get();
      current.send_now = false;
      ERR_clear_error();
      SSL_shutdown(ssl_.get());
      ERR_clear_error();
    }
    carrier_->finish();
  }
  if (tell_sent_) carrier_->tell_when_sent();
}

void TlsTransport::tell_when_sent() {
  tell_sent_ = true;
  turn_.flush_later(*this);
}

void TlsTransport::finish() {
  if (finishing_) return;
  finishing_ = true;
  turn_.flush_later(*this);
}

}  // namespace postern::net
