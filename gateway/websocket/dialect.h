// What the messages of an application say about themselves, as far as rules ask for it. A dialect knows where
// that stands in a message: in JSON at a path, in another format elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace postern::websocket {

class MessageView;

// Immutable; shared by the sockets of a route.
class Dialect {
 public:
  enum class Part : uint8_t {
    type,  // what kind of message it is
    key,   // messages with the same key replace each other where a client reads too slowly
    room,  // for whom it is
  };

  // The text of a part.
  struct Text {
    std::string_view raw{};  // valid as long as the message
    std::string decoded{};   // used instead if it is not empty
    std::string_view text() const { return decoded.empty() ? raw : std::string_view(decoded); }
  };

  // nullopt: the message has no such part. The error is a word for logs: the message cannot be read.
  using Found = tl::expected<std::optional<Text>, std::string_view>;

  virtual ~Dialect() = default;

  // `message` is the text of a whole message, in UTF-8. Nothing is looked for yet.
  MessageView read(std::string_view message) const;

 private:
  friend class MessageView;
  virtual Found find(Part part, std::string_view message) const = 0;
};

// A message as its dialect reads it; valid as long as the message. A part is looked for when it is asked for,
// so that a rule pays for what it uses.
class MessageView {
 public:
  MessageView() = default;  // of a message that no dialect reads: it has no parts
  MessageView(const Dialect& dialect, std::string_view message) : dialect_(&dialect), message_(message) {}

  Dialect::Found type() const { return find(Dialect::Part::type); }
  Dialect::Found key() const { return find(Dialect::Part::key); }
  Dialect::Found room() const { return find(Dialect::Part::room); }

 private:
  Dialect::Found find(Dialect::Part part) const {
    if (!dialect_) return std::nullopt;
    return dialect_->find(part, message_);
  }

  const Dialect* dialect_ = nullptr;
  std::string_view message_{};
};

inline MessageView Dialect::read(std::string_view message) const { return {*this, message}; }

}  // namespace postern::websocket
