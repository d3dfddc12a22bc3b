// From the response as an endpoint sent it to the response as the client may see it, before policies amend
// it: hop-by-hop fields removed, and what names the endpoint's address made to name the client's.
#pragma once

#include <string_view>

#include "http/head.h"
#include "proxy/client_identity.h"
#include "proxy/snapshot.h"
#include "upstream/group_model.h"

namespace postern::proxy {

struct ResponseSource {
  const routing::Rewriting& rewriting;
  const upstream::EndpointModel& endpoint;  // that answered
  const ClientIdentity& client;
  std::string_view request_id;  // empty: none is sent
  const http::Headers& sent;    // with the Host that the endpoint got
};

// In place. Location, Content-Location and Refresh that lead to the endpoint's own authority, or to the Host
// it was given in place of the client's, lead to the client's authority after this; and to the path that the
// client has to ask for, where a prefix was taken away or put in front.
void rewrite_response(const Snapshot& snapshot, const ResponseSource& source, http::ResponseHead& head);

}  // namespace postern::proxy
