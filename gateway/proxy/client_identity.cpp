#include "proxy/client_identity.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "http/forwarded.h"
#include "http/target.h"

namespace postern::proxy {
namespace {

using http::FieldId;

// What a trusted proxy reports about the client. Views point into the request.
struct Told {
  std::optional<http::ForwardedNode> client;
  std::string_view proto;
  std::string_view authority;
  std::string_view port;  // of the authority
};

// Walks the addresses of the proxies on the way. The client is the last address that is not a trusted
// proxy's, since everything before it can be forged. If all are trusted, it is the first.
class Way {
 public:
  explicit Way(const base::CidrSet& trusted) : trusted_(trusted) {}
  // Called for each element from the first to the last. Returns true when the other parameters of this
  // element describe the client.
  bool pass(const std::optional<http::ForwardedNode>& node) {
    if (!node) {  // elements before an unreadable one cannot be trusted
      client_.reset();
      began_ = true;
      return true;
    }
    if (began_ && trusted_.contains(node->address)) {
      if (!client_) client_ = node;
      return false;
    }
    client_ = node;
    began_ = true;
    return true;
  }
  const std::optional<http::ForwardedNode>& client() const { return client_; }

 private:
  const base::CidrSet& trusted_;
  std::optional<http::ForwardedNode> client_;
  bool began_ = false;
};

// Calls `each` with every element of all fields of this id, in their order.
template <class Each>
void for_each_element(const http::Headers& headers, FieldId id, Each&& each) {
  for (const http::HeaderField& field : headers) {
    if (field.id != id) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list)) each(*element);
  }
}

std::string_view without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// The element that has `skipped` elements behind it in the list; the first one if the list is shorter.
std::string_view element_of(const http::Headers& headers, FieldId id, size_t skipped) {
  size_t count = 0;
  for_each_element(headers, id, [&count](std::string_view) { ++count; });
  const size_t wanted = count > skipped ? count - 1 - skipped : 0;
  std::string_view found;
  size_t at = 0;
  for_each_element(headers, id, [&](std::string_view element) {
    if (at++ == wanted) found = element;
  });
  return without_quotes(found);
}

std::optional<Told> told_by_x_forwarded(const base::CidrSet& trusted, const http::Headers& headers) {
  Way way(trusted);
  bool any = false;
  size_t skipped = 0;  // number of elements behind the one that describes the client
  for_each_element(headers, FieldId::x_forwarded_for, [&](std::string_view element) {
    skipped = way.pass(http::read_forwarded_node(element)) ? 0 : skipped + 1;
  });
  for (const http::HeaderField& field : headers) {
    any = any || field.id == FieldId::x_forwarded_for || field.id == FieldId::x_forwarded_proto ||
          field.id == FieldId::x_forwarded_host || field.id == FieldId::x_forwarded_port;
  }
  if (!any) return std::nullopt;
  return Told{way.client(), element_of(headers, FieldId::x_forwarded_proto, skipped),
              element_of(headers, FieldId::x_forwarded_host, skipped),
              element_of(headers, FieldId::x_forwarded_port, skipped)};
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
      const bool is_about_client = way.pass(
          element.client ? std::optional(http::ForwardedNode{*element.client, element.port}) : std::nullopt);
      if (!is_about_client) continue;
      told->proto = request.arena.keep(element.proto);
      told->authority = request.arena.keep(element.host);
    }
  }
  if (told) told->client = way.client();
  return told;
}

// Accepts the schemes of WebSockets (wss, ws) as well as those of pages. Nullopt for any other scheme.
std::optional<bool> is_tls(std::string_view scheme) {
  if (base::equal_ignoring_case(scheme, "https") || base::equal_ignoring_case(scheme, "wss")) return true;
  if (base::equal_ignoring_case(scheme, "http") || base::equal_ignoring_case(scheme, "ws")) return false;
  return std::nullopt;
}

bool is_port(std::string_view text) {
  const std::optional<uint64_t> number = base::parse_decimal(text);
  return number && *number > 0 && *number <= 65535;
}

constexpr std::string_view port_of_scheme(bool tls) { return tls ? "443" : "80"; }

// The port of a checked authority; empty if it has none.
std::string_view port_of(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  return has_port ? authority.substr(colon + 1) : std::string_view();
}

// Sets the port of the authority. A port that was reported separately becomes part of the authority, unless
// it is the default port of the other scheme: then the proxy reported its own port.
void settle_port(std::string_view told, const http::ClientFacts& facts, http::RequestHead& request,
                 ClientIdentity& client) {
  const std::string_view usual = port_of_scheme(client.tls);
  const bool counts = is_port(told) && told != port_of_scheme(!client.tls);
  client.host_port = port_of(client.authority);
  if (!client.host_port.empty()) return;
  if (counts)
    client.host_port = told;
  else if (client.authority.empty())
    client.host_port = request.arena.keep(std::to_string(facts.listener_port));
  else if (!client.trusted_proxy && facts.listener_port == 443)
    client.host_port = "443";  // a load balancer terminated TLS and reports the port that the client used
  else
    client.host_port = usual;
  if (counts && told != usual && !client.authority.empty())
    client.authority = request.arena.keep({client.authority, ":", told});
}

// Returns a prefix such as "/outer" that is safe to put before a path: single slashes, no segment that begins
// with a dot, and no start of a host. Empty if it is not safe.
std::string_view read_prefix(std::string_view text) {
  text = without_quotes(text);
  while (text.ends_with('/')) text.remove_suffix(1);
  constexpr size_t longest = 1024;
  if (text.size() > longest || !text.starts_with('/') || text.find("//") != text.npos ||
      text.find("/.") != text.npos)
    return {};
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    constexpr std::string_view also = "/@:=()";
    constexpr std::string_view never = "#%'^`|";
    return (base::is_token_char(c) || also.find(c) != also.npos) && never.find(c) == never.npos;
  });
  return plain ? text : std::string_view();
}

// Proxies that removed prefixes one after the other list them in that order.
std::string_view prefix_of(http::RequestHead& request) {
  constexpr size_t most = 8;
  std::string_view prefix;
  size_t count = 0;
  bool readable = true;
  for_each_element(request.headers, FieldId::x_forwarded_prefix, [&](std::string_view element) {
    if (element == "/" || !readable) return;
    const std::string_view part = read_prefix(element);
    readable = !part.empty() && ++count <= most;
    if (readable) prefix = prefix.empty() ? part : request.arena.keep({prefix, part});
  });
  return readable ? prefix : std::string_view();
}

// Whether the field kind that was not chosen contradicts the chosen one. A missing value is not a
// contradiction.
bool contradicts(const Told& other, const ClientIdentity& client) {
  if (other.client && other.client->address != client.address) return true;
  if (const auto tls = is_tls(other.proto); tls && *tls != client.tls) return true;
  const auto said = http::read_authority(other.authority);
  const auto counts = http::read_authority(client.authority);
  return said && !said->host.empty() && (!counts || !base::equal_ignoring_case(said->host, counts->host));
}

}  // namespace

ClientIdentity identify(const Snapshot& snapshot, const http::ClientFacts& facts,
                        http::RequestHead& request) {
  ClientIdentity client{facts.peer.ip, facts.peer_text, false, facts.tls, request.authority};
  if (snapshot.trusted_proxies.empty() || !snapshot.trusted_proxies.contains(facts.peer.ip)) {
    settle_port({}, facts, request, client);
    return client;
  }
  client.trusted_proxy = true;
  const bool standard_first = snapshot.forwarded.standard;
  std::optional<Told> told = told_by_x_forwarded(snapshot.trusted_proxies, request.headers);
  std::optional<Told> other = told_by_forwarded(snapshot.trusted_proxies, request);
  client.told = ClientIdentity::Told::x_forwarded;
  if ((standard_first && other) || !told) {
    std::swap(told, other);
    client.told = ClientIdentity::Told::standard;
  }
  client.prefix = prefix_of(request);
  if (!told) {
    client.told = ClientIdentity::Told::nothing;
    settle_port({}, facts, request, client);
    return client;
  }
  if (told->client) {
    client.address = told->client->address;
    client.address_text = told->client->address.text();
    client.port = told->client->port;
  }
  client.tls = is_tls(told->proto).value_or(client.tls);
  if (!told->authority.empty() && http::read_authority(told->authority)) client.authority = told->authority;
  settle_port(told->port, facts, request, client);
  client.contradicted = other && contradicts(*other, client);
  return client;
}

net::ProxyRoute route_of(const ClientIdentity& client, const http::ClientFacts& facts) {
  const uint16_t port = client.address == facts.peer.ip ? facts.peer.port : client.port;
  net::ProxyRoute route{{client.address, port}, facts.local};
  if (facts.local.ip.is_unspecified() && !client.address.is_v6())
    route.destination.ip = base::IpAddress();  // the unspecified address in the client's family
  return route;
}

}  // namespace postern::proxy
