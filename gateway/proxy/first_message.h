// A WebSocket that is opened before any endpoint is asked, because its client sends the token in its first
// message. The exchange judges the message as a part of the request. Whoever is refused gets a Close frame,
// and no endpoint hears of it; otherwise the endpoint gets what was read here before anything else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/transport.h"
#include "policy/message_desk.h"
#include "websocket/deflate.h"
#include "websocket/frame_order.h"
#include "websocket/message_reader.h"

namespace postern::proxy {

struct ExchangeState;

// Belongs to one exchange, and owns the client's transport until it is taken. Nothing is read behind the
// message: the transport is paused.
class FirstMessage final : private net::Transport::Receiver {
 public:
  // `form` outlives this object.
  FirstMessage(ExchangeState& exchange, const policy::MessageForm& form, std::string_view subprotocol);
  ~FirstMessage();

  // Sends the 101. What is returned may be destroyed at any time; it never arrives when the client has left.
  std::unique_ptr<policy::AwaitedMessage> open();
  void expire();

  const policy::MessageDesk::Message* received() const { return message_ ? &*message_ : nullptr; }
  const std::string& problem() const { return problem_; }
  bool is_broken() const { return broken_; }
  void replace(std::string text) { replaced_ = std::move(text); }

  // What was agreed on with the client.
  std::string_view subprotocol() const { return subprotocol_; }         // empty: none
  int window_bits() const { return offer_ ? offer_->window_bits : 0; }  // 0: no compression

  // The code of the Close frame for what problem() says; nullopt: that of any other refusal.
  std::optional<uint16_t> close_code() const { return close_code_; }
  // A message of the subprotocol that says why, before the Close frame; empty: it has none.
  base::Chunk last_message(std::string_view error) const;

  // The transport, with or without the bytes that were read. Null when the client has left.
  std::unique_ptr<net::Transport> take(bool with_bytes);

 private:
  class Waiting;

  void on_bytes(base::Bytes bytes) override;
  void on_drained() override {}
  void on_end() override { leave(); }
  void on_hang_up(bool reset) override;
  void on_closed(base::Error) override { leave(); }
  void read_frames();
  void take_frame(const websocket::FrameHeader& header, base::Bytes payload);
  void fail(uint16_t code, std::string problem);
  void end_reading();
  void leave();
  std::string bytes_for_endpoint() const;

  ExchangeState& exchange_;
  const policy::MessageForm& form_;
  const std::string subprotocol_;
  std::unique_ptr<net::Transport> transport_;
  Waiting* waiting_ = nullptr;
  std::optional<websocket::DeflateParameters> offer_;
  std::optional<websocket::Deflate> deflate_;
  std::optional<websocket::FrameOrder> order_;
  std::optional<websocket::MessageReader> reader_;
  std::string raw_;     // all that was read
  size_t read_to_ = 0;  // the end of the last whole frame; once the message is there, its end
  std::optional<policy::MessageDesk::Message> message_;
  std::optional<std::string> replaced_;
  std::string problem_;
  std::optional<uint16_t> close_code_;
  bool broken_ = false;
  bool ended_ = false;  // nothing more is read
  bool left_ = false;
};

class FirstMessageDesk final : public policy::MessageDesk {
 public:
  explicit FirstMessageDesk(ExchangeState& exchange) : exchange_(exchange) {}  // which owns this

  std::unique_ptr<policy::AwaitedMessage> await(const policy::MessageForm& form) override;
  void expire() override { opened_->expire(); }
  bool was_asked() const override { return was_asked_; }
  const Message* received() const override { return opened_ ? opened_->received() : nullptr; }
  const std::string& problem() const override { return opened_ ? opened_->problem() : problem_; }
  bool is_broken() const override { return opened_ && opened_->is_broken(); }
  void replace(std::string text) override { opened_->replace(std::move(text)); }

  // Null: the client has not got a 101 for its message.
  FirstMessage* opened() const { return opened_.get(); }

 private:
  ExchangeState& exchange_;
  bool was_asked_ = false;
  std::string problem_;
  std::unique_ptr<FirstMessage> opened_;
};

}  // namespace postern::proxy
