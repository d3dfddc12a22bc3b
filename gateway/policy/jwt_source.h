// The places of a request that may contain a token, and how the token is read from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "http/head.h"
#include "policy/message_token.h"

namespace postern::policy {

struct RequestContext;

struct JwtSource {
  enum class Kind : uint8_t {
    header,       // "Authorization: Bearer <token>"; in a field of another name "Bearer" is optional
    cookie,       // a cookie named `name`, its value with or without double quotes
    query,        // a query parameter named `name`, percent-encoded or not
    subprotocol,  // "Sec-WebSocket-Protocol: bearer, <token>", also "access_token, <token>",
                  // "bearer.<token>", and Kubernetes' "base64url.bearer.authorization.k8s.io.<base64url of
                  // the token>"
    message,      // the first message of the WebSocket, see `message`
    ticket,       // a query parameter named `name` with a ticket (state::Tickets) that stands for the token
  };
  Kind kind = Kind::header;
  std::string name = "Authorization";  // unused for subprotocol and message
  std::string scheme{};  // of a header: the word that must stand before the token; empty: Bearer
  std::optional<MessageForm> message{};  // set for that kind

  bool operator==(const JwtSource&) const = default;
};

struct FoundToken {
  std::string_view text;  // points into the request or into `decoded`; never empty
  std::string decoded;    // the decoded form of a value that was encoded
  const JwtSource* source = nullptr;

  FoundToken() = default;
  FoundToken(const FoundToken&) = delete;  // its view may point into the object itself
  FoundToken& operator=(const FoundToken&) = delete;
};

// What has become of the request's ticket.
struct RedeemedTicket {
  std::string_view parameter;  // the name of its source
  std::string token;
};

// Redeems the ticket of `source`, if the request has one there, and keeps its token in context.ticket: a
// ticket is good once. Returns false when the ticket stands for no token.
bool redeem_ticket(const JwtSource& source, RequestContext& context);

// Returns the token of one source, or an empty text when there is none. A value that is encoded (a query
// value with escapes, Kubernetes' subprotocol) is decoded into `decoded`. It fails with a sentence when two
// readers could take two different tokens, because the field or parameter occurs more than once, or when a
// ticket was not redeemed.
tl::expected<std::string_view, std::string> read_token(const JwtSource& source, const RequestContext& context,
                                                       std::string& decoded);

// Removes every occurrence of a token at this source from the request. take_subprotocol_token() does this for
// Sec-WebSocket-Protocol.
void remove_token(const JwtSource& source, RequestContext& context);

// Puts another token where this source has one, in the same form; the rest of the place stays as it is. A
// token that no endpoint ever gets from there, among the subprotocols or for a ticket, is not replaced.
// `token` has only characters of a JSON Web Token.
void replace_token(const JwtSource& source, std::string_view token, RequestContext& context);

// Removes every token and its marker from Sec-WebSocket-Protocol, so that the endpoint sees only real
// subprotocols. Returns the subprotocol that the response must select if the endpoint selects none, since a
// browser aborts the connection otherwise: the marker of the first token, or its element ("bearer.<token>",
// Kubernetes' form) as the client offered it.
std::string take_subprotocol_token(http::RequestHead& request);

}  // namespace postern::policy
