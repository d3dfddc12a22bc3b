// From the request as the client sent it to the request as an endpoint gets it: hop-by-hop fields removed,
// the client's address and the address it asked for added, forged ones dropped.
#pragma once

#include <string_view>

#include "http/stream.h"
#include "http/target.h"
#include "policy/request_context.h"
#include "proxy/client_identity.h"
#include "proxy/snapshot.h"

namespace postern::proxy {

// In place, once per exchange: attempts share the result. `endpoint_authority` stands in for a Host that the
// client did not send (HTTP/1.0).
void rewrite_request(const Snapshot& snapshot, const http::ClientFacts& facts, const ClientIdentity& client,
                     const policy::RequestContext& context, std::string_view request_id,
                     std::string_view endpoint_authority, const routing::Rewriting& rewriting,
                     http::RequestHead& request);

// After the former: the path that the route's rewriting makes of the client's. The sentence says why there is
// none that may be sent.
tl::expected<void, std::string_view> rewrite_path(const policy::RequestContext& context,
                                                  const routing::Rewriting& rewriting,
                                                  http::RequestHead& request);

// For every attempt: the endpoint's authority as Host, where the route wants it.
void address_to(std::string_view endpoint_authority, const routing::Rewriting& rewriting,
                http::RequestHead& request);

}  // namespace postern::proxy
