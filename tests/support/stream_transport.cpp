#include "support/stream_transport.h"

#include <algorithm>

#include "base/error.h"

namespace postern::support {

StreamTransport::StreamTransport(std::unique_ptr<Line> line, base::ChunkQueue early)
    : turn_(line->connection().turns().turn), line_(std::move(line)), received_(std::move(early)) {
  line_->connection().turns().add(*this);
  Line::User& self = *this;
  line_->set_tunnel(self);
}

// As a socket that is closed: with a reset when it was aborted or when bytes are unread, and else with an
// end.
StreamTransport::~StreamTransport() {
  if (peer_reset_ || broken_) return;
  if (aborted_ || !received_.empty()) {
    line_->send(FrameType::reset);
    return;
  }
  if (sending_ != Sending::finished) line_->send(FrameType::end);
  line_->send(FrameType::leave);
}

void StreamTransport::start(Receiver& receiver) {
  receiver_ = &receiver;
  paused_ = hang_up_told_ = reset_told_ = false;
}

void StreamTransport::write(base::Chunk chunk) {
  if (broken_ || chunk.empty()) return;
  unsent_.push(std::move(chunk));
  if (unsent_.bytes() > high_water) congested_ = true;
  turn_.flush_later(*this);
}

void StreamTransport::tell_when_sent() {
  tell_sent_ = true;
  turn_.flush_later(*this);
}

void StreamTransport::finish() {
  if (sending_ != Sending::open) return;
  sending_ = Sending::finishing;
  turn_.flush_later(*this);
}

void StreamTransport::on_frame(const Frame& frame) {
  switch (frame.type) {
    case FrameType::data: received_.push_copy(base::bytes_of(frame.payload)); break;
    case FrameType::end: peer_ended_ = true; break;
    case FrameType::reset: peer_reset_ = true; break;
    case FrameType::leave:
      peer_left_ = true;
      if (on_left) on_left();
      break;
    default: break;
  }
}

void StreamTransport::flush() {
  if (broken_) return;
  if (!unsent_.empty() && (peer_left_ || peer_reset_)) return break_now();
  while (!unsent_.empty()) {
    size_t count = line_->room();
    if (count == 0) break;
    unsent_.visit(1, [&](base::Bytes bytes) {
      count = std::min(count, bytes.size());
      line_->send_data(bytes.first(count));
    });
    unsent_.drop_front(count);
  }
  if (unsent_.empty() && sending_ == Sending::finishing) {
    sending_ = Sending::finished;
    line_->send(FrameType::end);
  }
  if (congested_ && unsent_.bytes() <= high_water / 2) {
    congested_ = false;
    if (receiver_) receiver_->on_drained();
  }
  if (unsent_.empty() && std::exchange(tell_sent_, false) && receiver_) receiver_->on_sent();
}

void StreamTransport::break_now() {
  broken_ = true;
  received_.clear();
  if (receiver_) receiver_->on_closed(base::Error{base::Cause::client_closed, base::Stage::accept});
  unsent_.clear();
}

bool StreamTransport::fill() {
  if (broken_ || !receiver_) return false;
  if (paused_) return tell_hang_up();
  if (put_back_.waits()) {
    put_back_.deliver(receiver_, paused_);
    return true;
  }
  if (peer_reset_) {
    break_now();
    return true;
  }
  if (!received_.empty()) {
    std::string bytes;  // all that has come, as one read of a socket would return it
    while (!received_.empty()) bytes += received_.pop().text();
    line_->credit(bytes.size());
    receiver_->on_bytes(base::bytes_of(bytes));
    return true;
  }
  if (!peer_ended_ || std::exchange(end_told_, true)) return false;
  receiver_->on_end();
  return true;
}

bool StreamTransport::tell_hang_up() {
  if (!peer_reset_ && (!peer_ended_ || end_told_)) return false;
  bool& told = peer_reset_ ? reset_told_ : hang_up_told_;
  if (std::exchange(told, true)) return false;
  receiver_->on_hang_up(peer_reset_);
  return true;
}

}  // namespace postern::support
