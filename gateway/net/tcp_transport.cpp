#include "net/tcp_transport.h"

#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "net/tcp_transit.h"

namespace postern::net {
namespace {

constexpr size_t gather_limit = 32;   // chunks per writev
constexpr size_t joined_below = 512;  // bytes; smaller chunks are copied to the end of the backlog
constexpr int reads_in_a_row = 4;     // then other sockets are read

}  // namespace

std::unique_ptr<TcpTransport> TcpTransport::adopt(Loop& loop, Socket socket, const Peer& peer,
                                                  CountGuard count_guard) {
  std::unique_ptr<TcpTransport> transport(
      new TcpTransport(loop, std::move(socket), peer, std::move(count_guard)));
  if (!loop.poller().add(transport->socket_.descriptor(), *transport)) {
    transport->socket_.reset();
    return nullptr;
  }
  return transport;
}

TcpTransport::~TcpTransport() {
  if (socket_) loop_.poller().remove(socket_.descriptor(), *this);
}

void TcpTransport::start(Receiver& receiver) {
  receiver_ = &receiver;
  hang_up_told_ = reset_told_ = false;
  resume();
}

void TcpTransport::pause() {
  paused_ = true;
  if (peer_reads_nothing_ || hung_up_) loop_.poller().again(*this);
}

void TcpTransport::resume() {
  if (!paused_) return;
  paused_ = false;
  if (readable_ || put_back_.waits()) loop_.poller().again(*this);
}

void TcpTransport::unread(base::Chunk bytes) {
  put_back_.add(std::move(bytes));
  if (!paused_) loop_.poller().again(*this);
}

void TcpTransport::on_ready(uint32_t events) {
  if (broken_) return;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up_ = true;
  if (events & EPOLLERR) reset_ = true;
  if (ended_ && (events & EPOLLERR)) return broken(EPIPE);  // no read will report the reset any more
  if ((events & (EPOLLOUT | EPOLLERR)) && !writable_) {
    writable_ = true;
    send_queued();
  }
  if (!broken_ && !paused_) read();
  if (broken_ || !paused_ || ended_) return;
  // The receiver does not want the peer's undelivered data now, and the writer may wait for the peer to
  // accept bytes.
  if (peer_reads_nothing_) return broken(EPIPE);
  tell_hang_up();
}

void TcpTransport::tell_hang_up() {
  bool& told = reset_ ? reset_told_ : hang_up_told_;
  if (hung_up_ && receiver_ && !std::exchange(told, true)) receiver_->on_hang_up(reset_);
}

void TcpTransport::read() {
  put_back_.deliver(receiver_, paused_);
  const std::span<std::byte> buffer = loop_.receive_buffer();
  for (int round = 0; readable_ && !paused_ && !ended_ && !broken_; ++round) {
    if (round == reads_in_a_row) return loop_.poller().again(*this);
    const ssize_t received = recv(socket_.descriptor(), buffer.data(), buffer.size(), 0);
    if (received > 0) {
      const auto count = static_cast<size_t>(received);
      // A short read has emptied the socket, so the next bytes cause a new edge. This does not hold when the
      // end of the peer was announced together with the bytes.
      if (count < buffer.size() && !hung_up_) readable_ = false;
      receiver_->on_bytes(base::Bytes(buffer.data(), count));
    } else if (received == 0) {
      readable_ = false;
      if (peer_reads_nothing_) return broken(EPIPE);
      ended_ = true;
      receiver_->on_end();
    } else if (errno == EAGAIN) {
      readable_ = false;
      if (peer_reads_nothing_) return broken(EPIPE);  // all that the peer sent was read
    } else if (errno != EINTR) {
      broken(errno);
    }
  }
}

void TcpTransport::write(base::Chunk chunk) {
  if (broken_ || chunk.empty()) return;
  if (chunk.size() <= joined_below && !unsent_.empty())
    unsent_.push_copy(chunk.bytes());
  else
    unsent_.push(std::move(chunk));
  if (unsent_.bytes() > high_water) congested_ = true;
  if (writable_) loop_.turn().flush_later(*this);
}

void TcpTransport::write(base::Bytes bytes) {
  if (broken_ || bytes.empty()) return;
  if (unsent_.empty() && writable_) {
    const ssize_t sent = send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      sent_ += static_cast<size_t>(sent);
      bytes = bytes.subspan(static_cast<size_t>(sent));
      if (bytes.empty()) return;
      writable_ = false;  // a short write has filled the socket, so new room causes a new edge
    } else if (errno == EAGAIN || errno == EINTR) {
      writable_ = errno == EINTR;
    } else {
      send_failed(errno);
      if (broken_) return;
    }
  }
  unsent_.push_copy(bytes);
  if (unsent_.bytes() > high_water) congested_ = true;
  if (writable_) loop_.turn().flush_later(*this);
}

void TcpTransport::flush() { send_queued(); }

// A peer that closes while bytes from us are unread answers with a reset. The data that it sent before is
// still undelivered here and matters (for example a Close frame), so it is read before the connection counts
// as broken. Until then, bytes that the peer did not accept stay in the backlog.
void TcpTransport::send_failed(int error_number) {
  if (!receiver_ || paused_ || ended_) return broken(error_number);
  peer_reads_nothing_ = true;
  writable_ = false;
  readable_ = true;
  loop_.poller().again(*this);
}

void TcpTransport::send_queued() {
  while (!broken_ && writable_ && !unsent_.empty()) {
    std::array<iovec, gather_limit> pieces;
    size_t count = 0;
    size_t offered = 0;
    unsent_.visit(gather_limit, [&](base::Bytes bytes) {
      pieces[count++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
      offered += bytes.size();
    });
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t sent = count == 1
                             ? send(socket_.descriptor(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                             : sendmsg(socket_.descriptor(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN)
        writable_ = false;
      else
        send_failed(errno);
      break;
    }
    sent_ += static_cast<size_t>(sent);
    unsent_.drop_front(static_cast<size_t>(sent));
    if (static_cast<size_t>(sent) < offered) writable_ = false;
  }
  if (broken_) return;
  if (unsent_.empty() && sending_ == Sending::finishing) {
    sending_ = Sending::finished;
    shutdown(socket_.descriptor(), SHUT_WR);
  }
  if (congested_ && unsent_.bytes() <= high_water / 2) {
    congested_ = false;
    if (receiver_) receiver_->on_drained();
  }
  if (tell_sent_ && unsent_.empty()) {
    tell_sent_ = false;
    if (receiver_) receiver_->on_sent();
  }
}

void TcpTransport::tell_when_sent() {
  tell_sent_ = true;
  if (writable_ || unsent_.empty()) loop_.turn().flush_later(*this);
}

void TcpTransport::finish() {
  if (sending_ != Sending::open) return;
  sending_ = Sending::finishing;
  loop_.turn().flush_later(*this);
}

void TcpTransport::abort() {
  const linger at_once{1, 0};
  setsockopt(socket_.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void TcpTransport::broken(int) {
  broken_ = true;
  // The owner replaces this cause, because only the owner knows whether the peer is the client or the
  // upstream.
  if (receiver_) receiver_->on_closed(base::Error{base::Cause::client_closed, base::Stage::accept});
  unsent_.clear();
}

Transport::Transit TcpTransport::transit() const {
  Transit transit = socket_transit(socket_.descriptor(), sent_);
  transit.outstanding += backlog();
  return transit;
}

}  // namespace postern::net
