// Who the client is once the trust list was applied: what a trusted proxy in front says, else the socket.
#pragma once

#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "http/stream.h"
#include "net/proxy_protocol.h"
#include "proxy/snapshot.h"

namespace postern::proxy {

struct ClientIdentity {
  base::IpAddress address;
  std::string address_text;
  bool trusted_proxy = false;    // the socket's other end is on the list
  bool tls = false;              // the client's own scheme, as far as it can be known
  std::string_view authority{};  // that it asked for, of the request's head; empty: it did not say
};

// Of X-Forwarded-* and Forwarded, the one that `forwarded` of the configuration names counts when a trusted
// proxy sent both.
ClientIdentity identify(const Snapshot& snapshot, const http::ClientFacts& facts, http::RequestHead& request);

// The client's connection, for endpoints that are told of it. Behind a trusted proxy its port is not known.
net::ProxyRoute route_of(const ClientIdentity& client, const http::ClientFacts& facts);

}  // namespace postern::proxy
