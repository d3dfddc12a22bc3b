#include "demo/socket_session.h"

#include <utility>

#include "demo/answers.h"
#include "net/loop.h"

namespace postern::demo {
namespace {

constexpr uint16_t normal_closure = 1000;

}  // namespace

SocketSession::SocketSession(base::Turn& turn, const Options& options,
                             std::unique_ptr<net::Transport> transport, Kind kind, Owner& owner)
    : turn_(turn),
      options_(options),
      owner_(owner),
      transport_(std::move(transport)),
      codec_(*this, options.messages),
      opened_(turn.now),
      kind_(kind) {
  transport_->start(*this);
  if (kind_ == Kind::ticker) tick();
  wait_for_event();
}

void SocketSession::wait_for_event() {
  turn_.arm(*this, kind_ == Kind::ticker ? options_.tick : options_.stream_limit);
}

void SocketSession::on_bytes(base::Bytes bytes) {
  if (state_ == State::over) return;
  codec_.feed(bytes);
  send_output();
  if (state_ == State::open && kind_ == Kind::echo) wait_for_event();
}

void SocketSession::on_message(websocket::MessageKind kind, std::string_view message) {
  if (kind_ == Kind::echo) codec_.send(kind, message);
}

void SocketSession::tick() {
  codec_.send(websocket::MessageKind::text, tick_text(++ticks_, net::unix_now()));
  send_output();
}

void SocketSession::send_output() {
  while (codec_.has_output()) transport_->write(codec_.take_output());
  if (codec_.state() == websocket::MessageCodec::State::over && state_ != State::closing) {
    state_ = State::closing;
    turn_.arm(*this, options_.close_limit);
  }
  if (codec_.state() == websocket::MessageCodec::State::over) transport_->finish();
  if (state_ != State::open || transport_->backlog() <= net::Transport::high_water) return;
  state_ = State::stalled;
  transport_->pause();
  turn_.arm(*this, options_.write_limit);
}

void SocketSession::on_drained() {
  if (state_ != State::stalled) return;
  state_ = State::open;
  transport_->resume();
  wait_for_event();
}

void SocketSession::on_deadline() {
  if (state_ != State::open) return over();  // the client does not read, or does not end the connection
  const bool long_enough = turn_.now - opened_ >= options_.stream_limit;
  if (kind_ == Kind::echo || long_enough) return close(normal_closure, "the demonstration is over");
  tick();
  if (state_ == State::open) wait_for_event();
}

void SocketSession::close(uint16_t code, std::string_view reason) {
  if (state_ == State::closing || state_ == State::over) return;
  if (state_ == State::stalled) transport_->resume();
  state_ = State::closing;
  turn_.arm(*this, options_.close_limit);
  codec_.close(code, reason);
  send_output();
}

void SocketSession::over() {
  if (std::exchange(state_, State::over) == State::over) return;
  disarm();
  owner_.on_session_over(*this);
}

}  // namespace postern::demo
