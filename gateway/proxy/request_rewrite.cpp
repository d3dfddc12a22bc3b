#include "proxy/request_rewrite.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/forwarded.h"
#include "http/hop_by_hop.h"
#include "policy/header_rules.h"
#include "policy/request_context.h"

namespace postern::proxy {
namespace {

using http::FieldId;

// Whether the name has a separator other than "-", which no trusted proxy uses.
bool is_odd(std::string_view name) {
  return std::any_of(name.begin(), name.end(), [](char c) {
    const char small = base::lower(c);
    return !(small >= 'a' && small <= 'z') && !(small >= '0' && small <= '9') && small != '-';
  });
}

// Fields that a backend may trust, and that only a trusted proxy or this gateway may set. Fields with an id
// are handled elsewhere by that id; this covers the others, and all spellings with "_" or "." instead of "-".
bool is_forged(const Snapshot& snapshot, std::string_view name, bool trusted) {
  for (const std::string& claim_field : snapshot.claim_fields)
    if (base::equal_as_variable(name, claim_field)) return true;
  if (base::equal_as_variable(name, snapshot.request_id_field)) return true;
  if (name.empty() || base::lower(name.front()) != 'x') return false;
  constexpr std::string_view forwarded = "x-forwarded-";
  const bool of_proxies = base::equal_as_variable(name.substr(0, forwarded.size()), forwarded) ||
                          base::equal_as_variable(name, "x-real-ip");
  return of_proxies && (!trusted || is_odd(name));
}

// All values of the fields with this id, as one list; empty if there are none.
std::string list_of(FieldId id, const http::Headers& headers) {
  std::string list;
  for (const http::HeaderField& field : headers)
    if (field.id == id && !field.value.empty()) list.append(list.empty() ? "" : ", ").append(field.value);
  return list;
}

// The addresses in a trusted proxy's X-Forwarded-For, without ports and quotes, which many endpoints take for
// a part of the address. An element that is not an address is kept as it is.
std::string addresses_of(const http::Headers& headers) {
  std::string addresses;
  for (const http::HeaderField& field : headers) {
    if (field.id != FieldId::x_forwarded_for) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list)) {
      if (!addresses.empty()) addresses += ", ";
      const auto node = http::read_forwarded_node(*element);
      addresses += node ? node->address.text() : std::string(*element);
    }
  }
  return addresses;
}

// What a trusted proxy reported about the proxies so far, as endpoints receive it. A kind of field that is
// not believed is built from the other kind.
struct WaySoFar {
  std::string addresses;  // for X-Forwarded-For
  std::string elements;   // for Forwarded
};

WaySoFar way_so_far(ForwardedFields fields, const ClientIdentity& client, const http::Headers& headers) {
  WaySoFar way;
  using Told = ClientIdentity::Told;
  if (client.told == Told::nothing) return way;
  if (fields.x_forwarded && (client.told == Told::x_forwarded || !client.contradicted))
    way.addresses = addresses_of(headers);
  if (fields.standard && (client.told == Told::standard || !client.contradicted))
    way.elements = list_of(FieldId::forwarded, headers);
  if (fields.x_forwarded && way.addresses.empty() && client.told == Told::standard)
    way.addresses = client.address_text;
  if (fields.standard && way.elements.empty() && client.told == Told::x_forwarded)
    way.elements = http::write_forwarded({client.address, client.authority, client.tls ? "https" : "http"});
  return way;
}

// RFC 9110 7.6.2: decrements Max-Forwards for the next recipient.
void count_forward(http::RequestHead& request) {
  if (request.method != http::Method::options && request.method_text != "TRACE") return;
  const http::HeaderField* field = request.headers.find(FieldId::max_forwards);
  const auto left = field ? base::parse_decimal(field->value) : std::nullopt;
  if (left && *left > 0) request.headers.set("Max-Forwards", request.arena.keep(std::to_string(*left - 1)));
}

}  // namespace

void rewrite_request(const Snapshot& snapshot, const http::ClientFacts& facts, const ClientIdentity& client,
                     const policy::RequestContext& context, std::string_view request_id,
                     std::string_view endpoint_authority, const routing::Rewriting& rewriting,
                     http::RequestHead& request) {
  http::Headers& headers = request.headers;
  const ForwardedFields told = snapshot.forwarded;
  WaySoFar way;
  if (client.trusted_proxy) way = way_so_far(told, client, headers);
  const bool keep_expect = request.expects_continue;
  const bool has_id = !snapshot.request_id_field.empty();
  http::remove_hop_by_hop(headers);
  const std::string_view authority = request.authority.empty() ? endpoint_authority : request.authority;
  const bool literal_host = rewriting.host.kind == routing::HostRule::Kind::literal;
  const std::string_view host = literal_host ? std::string_view(rewriting.host.text) : authority;
  bool names_host = false;
  // A kind of field that the gateway does not write is passed on from a trusted proxy, unless it is
  // contradicted.
  using Told = ClientIdentity::Told;
  const bool drops_x =
      !client.trusted_proxy || told.x_forwarded || (client.told == Told::standard && client.contradicted);
  const bool drops_standard =
      !client.trusted_proxy || told.standard || (client.told == Told::x_forwarded && client.contradicted);
  headers.remove_if([&](const http::HeaderField& field) {
    switch (field.id) {
      case FieldId::x_forwarded_for:
      case FieldId::x_forwarded_proto:
      case FieldId::x_forwarded_host:
      case FieldId::x_forwarded_port:
      case FieldId::x_forwarded_prefix: return drops_x;
      case FieldId::forwarded: return drops_standard;
      case FieldId::expect: return !keep_expect;
      case FieldId::content_length: return true;  // written again by the gateway
      case FieldId::host: names_host = field.value == host; return !names_host;
      case FieldId::other: return is_forged(snapshot, field.name, client.trusted_proxy);
      default: return false;
    }
  });

  if (!names_host) headers.add(FieldId::host, "Host", host);
  if (told.x_forwarded) {
    headers.add(FieldId::x_forwarded_for, "X-Forwarded-For",
                way.addresses.empty() ? std::string_view(facts.peer_text)
                                      : request.arena.keep({way.addresses, ", ", facts.peer_text}));
    headers.add(FieldId::x_forwarded_proto, "X-Forwarded-Proto", client.tls ? "https" : "http");
    headers.add(FieldId::x_forwarded_host, "X-Forwarded-Host",
                client.authority.empty() ? authority : client.authority);
    headers.add(FieldId::x_forwarded_port, "X-Forwarded-Port", client.host_port);
    const std::string_view stripped = rewriting.path ? rewriting.path->stripped() : std::string_view();
    if (!client.prefix.empty() || !stripped.empty())
      headers.add(FieldId::x_forwarded_prefix, "X-Forwarded-Prefix",
                  client.prefix.empty() ? stripped : request.arena.keep({client.prefix, stripped}));
  }
  if (told.standard) {
    const std::string hop = http::write_forwarded(
        {facts.peer.ip, request.authority, facts.tls ? std::string_view("https") : std::string_view("http")});
    headers.add(
        FieldId::forwarded, "Forwarded",
        way.elements.empty() ? request.arena.keep(hop) : request.arena.keep({way.elements, ", ", hop}));
  }
  if (client.told != Told::nothing && headers.find("X-Real-IP"))
    headers.set("X-Real-IP", request.arena.keep(client.address_text));
  count_forward(request);
  if (!rewriting.loop_mark.empty()) headers.add(FieldId::cdn_loop, "CDN-Loop", rewriting.loop_mark);
  if (has_id) headers.add(FieldId::other, snapshot.request_id_field, request_id);
  if (snapshot.via) headers.add(FieldId::via, "Via", "1.1 postern");
  for (const auto& [name, value] : context.forwarded_fields) headers.set(name, value);
  if (context.request_rules) context.request_rules->apply(context, headers, request.arena);

  const std::string_view path = context.target.path;
  const std::string_view raw = request.target;
  // The whole path is compared, not only a prefix: "/a/b/.." begins with the path that it is resolved to.
  const bool unchanged =
      (context.target.as_it_came && !rewriting.path) || path.empty() || raw.substr(0, raw.find('?')) == path;
  if (!unchanged)
    request.target = context.target.has_query ? request.arena.keep({path, "?", context.target.query})
                                              : request.arena.keep(path);
  if (request.upgrade == http::Upgrade::other) request.upgrade = http::Upgrade::none;
}

tl::expected<void, std::string_view> rewrite_path(const policy::RequestContext& context,
                                                  const routing::Rewriting& rewriting,
                                                  http::RequestHead& request) {
  if (!rewriting.path || request.target == "*") return {};
  const auto rewritten = rewriting.path->apply(context.target);
  if (!rewritten) return tl::unexpected(rewritten.error());
  if (*rewritten) request.target = request.arena.keep(**rewritten);
  return {};
}

void address_to(std::string_view endpoint_authority, const routing::Rewriting& rewriting,
                http::RequestHead& request) {
  if (rewriting.host.kind == routing::HostRule::Kind::endpoint)
    request.headers.set("Host", endpoint_authority);
}

}  // namespace postern::proxy
