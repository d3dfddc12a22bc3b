// Who the client is and what it asked for, read once: what a trusted proxy in front says, else the
// connection. Everything that depends on the client goes by this and by nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "http/stream.h"
#include "net/proxy_protocol.h"
#include "proxy/snapshot.h"

namespace postern::proxy {

// Views point into the request.
struct ClientIdentity {
  base::IpAddress address;
  std::string address_text;
  bool trusted_proxy = false;    // the socket's other end is on the list
  bool tls = false;              // the client's own scheme, as far as it can be known
  std::string_view authority{};  // host[:port] that it asked for; empty: it did not say
  std::string_view host_port{};  // the port of the authority, or that of the scheme
  uint16_t port = 0;             // of the client itself, behind a trusted proxy; 0: not known
  std::string_view prefix{};     // of the path, that proxies in front took away ("/outer"); mostly empty
  // Of X-Forwarded-* and Forwarded, the kind that was believed, and whether the other one contradicts it: an
  // endpoint must not be told by it what nobody vouches for.
  enum class Told : uint8_t { nothing, x_forwarded, standard } told = Told::nothing;
  bool contradicted = false;
};

// Of X-Forwarded-* and Forwarded, the one that `forwarded` of the configuration names counts when a trusted
// proxy sent both. Each is a list with one element for each proxy on the way, however many fields it has:
// those of trusted proxies are skipped from its end, and what stands before the first other one can be
// forged. X-Forwarded-Proto, -Host and -Port may have fewer elements: then the first one counts.
ClientIdentity identify(const Snapshot& snapshot, const http::ClientFacts& facts, http::RequestHead& request);

// The client's connection, for endpoints that are told of it.
net::ProxyRoute route_of(const ClientIdentity& client, const http::ClientFacts& facts);

}  // namespace postern::proxy
