// Turns the response as an endpoint sent it into the response that the client may see, before policies amend
// it: hop-by-hop fields are removed, and URLs that name the endpoint's address are made to name the client's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip_address.h"
#include "http/head.h"
#include "proxy/client_identity.h"
#include "proxy/snapshot.h"
#include "upstream/group_model.h"

namespace postern::proxy {

struct ResponseSource {
  const routing::Rewriting& rewriting;
  const upstream::EndpointModel& endpoint;  // the endpoint that answered
  const ClientIdentity& client;
  std::string_view request_id;  // empty: no id is sent
  const http::Headers& sent;    // the request's fields, with the Host that the endpoint received
  std::span<const upstream::EndpointModel> endpoints{};  // all endpoints of the upstream
  std::optional<base::SocketAddress> peer{};             // of the connection, if it has an address
  int64_t now_unix = 0;                                  // seconds
};

// Changes `head` in place, for final and for interim responses. A Location, Content-Location or Refresh that
// leads to an endpoint of the upstream, or to the Host that the endpoint received instead of the client's,
// leads to the client's authority afterwards, and to the path that the client has to ask for if a prefix was
// removed or added. An endpoint may name itself by the address that its name resolved to, and a local one by
// any name of this machine (localhost, 127.0.0.1, [::1], 0.0.0.0). The client's own authority with "http"
// becomes https if the client uses https. A final response without Date gets one (RFC 9110 6.6.1); a request
// id that the endpoint made itself follows the gateway's.
void rewrite_response(const Snapshot& snapshot, const ResponseSource& source, http::ResponseHead& head);

// Returns the trailer fields that may be forwarded: those that `amend` would leave unchanged in a head.
// `amend` applies the policies of the route to a head.
http::Headers passing_trailers(const http::Headers& trailers,
                               const std::function<void(http::ResponseHead&)>& amend);

}  // namespace postern::proxy
