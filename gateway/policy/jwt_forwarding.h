// What becomes of a token that was verified: it stays where the client sent it, the endpoint gets none, or it
// is moved to the place where the endpoint expects it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/jwt_source.h"

namespace postern::policy {

struct JwtForwarding {
  enum class Kind : uint8_t { keep, strip, move };
  Kind kind = Kind::keep;
  // Where it is moved to, and how it is written there: behind the scheme in a field that has one
  // (Authorization has Bearer), bare elsewhere, as "bearer, <token>" among the subprotocols. A request that
  // opens no WebSocket has no subprotocols: its token is kept.
  JwtSource place{};
};

// The subprotocol that stands before a token that was moved among the subprotocols.
inline constexpr std::string_view subprotocol_marker = "bearer";

// Whether the tokens of this request stay where the client sent them.
bool keeps_token(const JwtForwarding& forwarding, const RequestContext& context);

// For a request whose tokens do not stay: takes the token out of the request, wherever one of `sources` has
// one, and puts `token` where the endpoint expects it, in place of what the client sent there. `token` must
// have been verified, and must exist as long as the request's head.
void forward_token(const JwtForwarding& forwarding, const std::vector<JwtSource>& sources,
                   std::string_view token, RequestContext& context);

// For a request without a token that was verified: removes what the client sent in the place of moved tokens.
// The endpoint gets a token there from the gateway or not at all.
void clear_token_place(const JwtForwarding& forwarding, RequestContext& context);

}  // namespace postern::policy
