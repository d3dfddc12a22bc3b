// Turns the request as the client sent it into the request that an endpoint receives: hop-by-hop fields are
// removed, the client's address and the address it asked for are added, forged fields are dropped.
#pragma once

#include <string_view>

#include "http/stream.h"
#include "http/target.h"
#include "policy/request_context.h"
#include "proxy/client_identity.h"
#include "proxy/snapshot.h"

namespace postern::proxy {

// Changes `request` in place, once per exchange: all attempts use the result. `endpoint_authority` replaces a
// Host that the client did not send (HTTP/1.0).
void rewrite_request(const Snapshot& snapshot, const http::ClientFacts& facts, const ClientIdentity& client,
                     const policy::RequestContext& context, std::string_view request_id,
                     std::string_view endpoint_authority, const routing::Rewriting& rewriting,
                     http::RequestHead& request);

// Called after rewrite_request(): replaces the client's path as the route's rewriting demands. The error is a
// sentence that says why there is no path that may be sent.
tl::expected<void, std::string_view> rewrite_path(const policy::RequestContext& context,
                                                  const routing::Rewriting& rewriting,
                                                  http::RequestHead& request);

// Called for every attempt: sets the endpoint's authority as Host, if the route asks for it.
void address_to(std::string_view endpoint_authority, const routing::Rewriting& rewriting,
                http::RequestHead& request);

}  // namespace postern::proxy
