// Where in a request a token may stand, and how it is taken from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "policy/request_context.h"

namespace postern::policy {

struct JwtSource {
  enum class Kind : uint8_t {
    header,       // "Authorization: Bearer <token>"; a field of another name may leave "Bearer" out
    cookie,       // a cookie named `name`, its value in double quotes or not
    query,        // a query parameter named `name`, percent-encoded or not
    subprotocol,  // "Sec-WebSocket-Protocol: bearer, <token>", also "access_token, <token>", "bearer.<token>"
  };
  Kind kind = Kind::header;
  std::string name = "Authorization";  // not used by subprotocol
};

struct FoundToken {
  std::string_view text;  // into the request, or into `decoded`; never empty
  std::string decoded;    // a query value that had escapes
  const JwtSource* source = nullptr;

  FoundToken() = default;
  FoundToken(const FoundToken&) = delete;  // its view may point into itself
  FoundToken& operator=(const FoundToken&) = delete;
};

// Looks into `sources` in their order and fills `found` from the first that has a token; source stays null
// when none has. Fails with a sentence where two readers could take two different tokens: the field or the
// parameter occurs more than once.
tl::expected<void, std::string> find_token(const std::vector<JwtSource>& sources,
                                           const RequestContext& context, FoundToken& found);

// The token of one source; empty without one. A query value that has escapes is decoded into `decoded`. The
// sentence says why it is no one token.
tl::expected<std::string_view, std::string> read_token(const JwtSource& source, const RequestContext& context,
                                                       std::string& decoded);

// Takes what stands at this source out of the request, every occurrence of it. Sec-WebSocket-Protocol is left
// to take_subprotocol_token.
void remove_token(const JwtSource& source, RequestContext& context);

// Takes the token and its marker out of Sec-WebSocket-Protocol, so that the endpoint is asked only for real
// subprotocols. Returns what the client must be answered with if the endpoint selects none (a browser breaks
// the connection off otherwise): the marker, or the element "bearer.<token>" as the client offered it.
std::string take_subprotocol_token(http::RequestHead& request);

}  // namespace postern::policy
