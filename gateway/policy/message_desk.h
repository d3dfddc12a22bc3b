// Where a policy gets the first message of a WebSocket from, when the token is in it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "policy/awaited.h"
#include "policy/message_token.h"
#include "websocket/frame.h"

namespace postern::policy {

// What an upgrade waits for whose client sends its token in its first message.
class AwaitedMessage : public Awaited {
 public:
  using Awaited::Awaited;
  std::string_view what() const override { return "the first message of the WebSocket"; }
};

// Belongs to one request.
class MessageDesk {
 public:
  struct Message {
    websocket::Opcode kind = websocket::Opcode::text;
    std::string_view text{};
  };

  // Opens the WebSocket before any endpoint is asked, so that its client sends the message. From then on a
  // refusal is a Close frame. Returns null when the client offers no subprotocol that fits the form, or when
  // it was asked before: problem() says which.
  virtual std::unique_ptr<AwaitedMessage> await(const MessageForm& form) = 0;
  // The limit of the wait has passed.
  virtual void expire() = 0;
  // Whether await() was called.
  virtual bool was_asked() const = 0;
  // The message as the client sent it; null: none has come, or it breaks a rule.
  virtual const Message* received() const = 0;
  // A sentence that says why there is no message; empty: it has come, or it was not asked for.
  virtual const std::string& problem() const = 0;
  // What came cannot be read: it may have had a token.
  virtual bool is_broken() const = 0;
  // The endpoint gets this text in place of the message.
  virtual void replace(std::string text) = 0;

 protected:
  ~MessageDesk() = default;
};

}  // namespace postern::policy
