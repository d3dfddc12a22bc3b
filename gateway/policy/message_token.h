// The token in a message of a WebSocket: where it is declared to be, how it is read, and how it is taken out.
// It knows nothing of frames and of when the message came.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/clock.h"
#include "base/json_scanner.h"
#include "websocket/frame.h"

namespace postern::policy {

struct MessageForm {
  enum class Kind : uint8_t {
    graphql,  // connection_init of graphql-transport-ws and of graphql-ws
    stomp,    // the CONNECT or STOMP frame
    json,     // a JSON message of a declared type
  };
  Kind kind = Kind::graphql;
  // Of JSON: where the token is. nullopt: graphql looks at its usual places, see token_in_message().
  std::optional<base::JsonPath> token{};
  std::string header = "Authorization";            // of STOMP
  std::string type = "connection_init";            // of JSON: the type of the message
  std::optional<base::JsonPath> type_at{};         // of JSON: where its type is; nullopt: /type
  base::Duration wait = std::chrono::seconds(10);  // for the message, when it must come first
  size_t size = size_t{64} * 1024;                 // bytes of the message, likewise

  bool operator==(const MessageForm&) const = default;
};

// For logs and refusals: "connection_init", "the CONNECT frame", "the message of type auth".
std::string name_of(const MessageForm& form);

// Returns the token without "Bearer" in front, or an empty text when the message is of another type or has no
// token. It points into the message or into `decoded`. It fails with a sentence, which has nothing of the
// message, when two readers could take two different tokens, or when the message cannot be read: it is binary
// (STOMP's may be), no UTF-8, no JSON, or no whole frame of STOMP.
//
// Without a declared place, the token of graphql is the text of one of these members of payload, in any case:
// authorization, authToken, accessToken, access_token and token; or of authorization in payload.headers.
tl::expected<std::string_view, std::string> token_in_message(const MessageForm& form, websocket::Opcode kind,
                                                             std::string_view message, std::string& decoded);

// Returns the message without the token that token_in_message() finds: its text in JSON is empty, its header
// in a frame of STOMP is gone. The rest is the same byte for byte. A message without a token does not change.
std::string without_token(const MessageForm& form, websocket::Opcode kind, std::string_view message);

}  // namespace postern::policy
