#include "proxy/client_identity.h"

#include <optional>

#include "base/ascii.h"
#include "http/forwarded.h"
#include "http/target.h"

namespace postern::proxy {
namespace {

using http::FieldId;

// What a trusted proxy says. Views point into the request.
struct Told {
  std::optional<base::IpAddress> address;
  std::string_view proto;
  std::string_view authority;
};

// The last address on the way that is no trusted proxy's counts: everything before it can be forged. When all
// are trusted, the first.
class Way {
 public:
  explicit Way(const base::CidrSet& trusted) : trusted_(trusted) {}
  // True when what is told beside this address is about the client.
  bool pass(const std::optional<base::IpAddress>& address) {
    if (!address) {
      found_.reset();  // what stands before an unreadable element cannot be trusted
      return true;
    }
    if (found_ && trusted_.contains(*address)) return false;
    found_ = address;
    return true;
  }
  const std::optional<base::IpAddress>& client() const { return found_; }

 private:
  const base::CidrSet& trusted_;
  std::optional<base::IpAddress> found_;
};

std::optional<Told> told_by_x_forwarded(const base::CidrSet& trusted, const http::Headers& headers) {
  Way way(trusted);
  bool any = false;
  for (const http::HeaderField& field : headers) {
    if (field.id != FieldId::x_forwarded_for) continue;
    any = true;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list)) way.pass(base::IpAddress::parse(*element));
  }
  Told told{way.client(), headers.get(FieldId::x_forwarded_proto), headers.get(FieldId::x_forwarded_host)};
  if (!any && told.proto.empty() && told.authority.empty()) return std::nullopt;
  return told;
}

std::optional<Told> told_by_forwarded(const base::CidrSet& trusted, http::RequestHead& request) {
  Way way(trusted);
  std::optional<Told> told;
  for (const http::HeaderField& field : request.headers) {
    if (field.id != FieldId::forwarded) continue;
    std::string_view list = field.value;
    for (;;) {
      const http::ForwardedResult next = http::next_forwarded(list);
      if (!next) return std::nullopt;
      if (!*next) break;
      const http::ForwardedElement& element = **next;
      if (!told) told.emplace();
      if (!way.pass(element.client)) continue;
      told->proto = request.arena.keep(element.proto);
      told->authority = request.arena.keep(element.host);
    }
  }
  if (told) told->address = way.client();
  return told;
}

}  // namespace

ClientIdentity identify(const Snapshot& snapshot, const http::ClientFacts& facts,
                        http::RequestHead& request) {
  ClientIdentity client{facts.peer.ip, facts.peer_text, false, facts.tls, request.authority};
  if (snapshot.trusted_proxies.empty() || !snapshot.trusted_proxies.contains(facts.peer.ip)) return client;
  client.trusted_proxy = true;
  const bool standard_first = snapshot.forwarded.standard;
  std::optional<Told> told = standard_first ? told_by_forwarded(snapshot.trusted_proxies, request)
                                            : told_by_x_forwarded(snapshot.trusted_proxies, request.headers);
  if (!told)
    told = standard_first ? told_by_x_forwarded(snapshot.trusted_proxies, request.headers)
                          : told_by_forwarded(snapshot.trusted_proxies, request);
  if (!told) return client;
  if (told->address) {
    client.address = *told->address;
    client.address_text = told->address->text();
  }
  if (!told->proto.empty()) client.tls = base::equal_ignoring_case(told->proto, "https");
  if (http::read_authority(told->authority)) client.authority = told->authority;
  return client;
}

net::ProxyRoute route_of(const ClientIdentity& client, const http::ClientFacts& facts) {
  const uint16_t port = client.address == facts.peer.ip ? facts.peer.port : uint16_t{0};
  net::ProxyRoute route{{client.address, port}, facts.local};
  if (facts.local.ip.is_unspecified() && !client.address.is_v6())
    route.destination.ip = base::IpAddress();  // of the client's family
  return route;
}

}  // namespace postern::proxy
