// From the response as an endpoint sent it to the response as the client may see it, before policies amend
// it: hop-by-hop fields removed, and what names the endpoint's address made to name the client's.
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
  const upstream::EndpointModel& endpoint;  // that answered
  const ClientIdentity& client;
  std::string_view request_id;                           // empty: none is sent
  const http::Headers& sent;                             // with the Host that the endpoint got
  std::span<const upstream::EndpointModel> endpoints{};  // all of the upstream
  std::optional<base::SocketAddress> peer{};             // of the connection, where it has an address
  int64_t now_unix = 0;                                  // seconds
};

// In place, for the final response and for interim ones. Location, Content-Location and Refresh that lead to
// an endpoint of the upstream, or to the Host it was given in place of the client's, lead to the client's
// authority after this; and to the path that the client has to ask for, where a prefix was taken away or put
// in front. An endpoint may call itself by the address that its name led to, and a local one by any name of
// this machine (localhost, 127.0.0.1, [::1], 0.0.0.0). The client's own authority with "http" leads to https
// where the client speaks that. A final response without Date gets one (RFC 9110 6.6.1); a request id that
// the endpoint made itself stands behind the gateway's.
void rewrite_response(const Snapshot& snapshot, const ResponseSource& source, http::ResponseHead& head);

// The trailer fields that pass: those that `amend` would leave as they are if they stood in the head. It is
// what the policies of the route do to a head.
http::Headers passing_trailers(const http::Headers& trailers,
                               const std::function<void(http::ResponseHead&)>& amend);

}  // namespace postern::proxy
