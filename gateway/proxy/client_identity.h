// Determines once per request who the client is and what it asked for: from the fields of a trusted proxy in
// front, else from the connection. Everything that depends on the client uses this identity only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "http/stream.h"
#include "net/proxy_protocol.h"
#include "proxy/snapshot.h"

namespace postern::proxy {

// The views point into the request.
struct ClientIdentity {
  base::IpAddress address;
  std::string address_text;
  bool trusted_proxy = false;    // the connection comes from an address on the list of trusted proxies
  bool tls = false;              // the scheme of the client itself, as far as it can be known
  std::string_view authority{};  // host[:port] that the client asked for; empty if it sent none
  std::string_view host_port{};  // the port of the authority, or the default port of the scheme
  uint16_t port = 0;             // port of the client itself, behind a trusted proxy; 0 if unknown
  std::string_view prefix{};     // of the path, removed by proxies in front ("/outer"); usually empty
  // Which of X-Forwarded-* and Forwarded was believed, and whether the other one contradicts it. A
  // contradicting field is not passed on: no trusted proxy vouches for it.
  enum class Told : uint8_t { nothing, x_forwarded, standard } told = Told::nothing;
  bool contradicted = false;
};

// When a trusted proxy sent both X-Forwarded-* and Forwarded, the configuration's `forwarded` decides which
// one counts. Each is a list with one element per proxy on the way, spread over any number of fields.
// Elements of trusted proxies are skipped from the end of the list; everything before the first element of an
// untrusted sender can be forged. X-Forwarded-Proto, -Host and -Port may have fewer elements; then the first
// one counts.
ClientIdentity identify(const Snapshot& snapshot, const http::ClientFacts& facts, http::RequestHead& request);

// The addresses of the client's connection, for endpoints that receive them in a PROXY protocol header.
net::ProxyRoute route_of(const ClientIdentity& client, const http::ClientFacts& facts);

}  // namespace postern::proxy
