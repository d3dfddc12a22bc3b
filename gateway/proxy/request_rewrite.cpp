#include "proxy/request_rewrite.h"

#include "base/ascii.h"
#include "http/forwarded.h"
#include "http/hop_by_hop.h"
#include "policy/header_rules.h"

namespace postern::proxy {
namespace {

using http::FieldId;

// Fields that a backend may believe, and that only a trusted proxy or this gateway may set. Those with an id
// are seen to by it; here are the others, and the twins of all of them that differ by "_" for "-".
bool is_forged(const Snapshot& snapshot, std::string_view name, bool trusted) {
  for (const std::string& claim_field : snapshot.claim_fields)
    if (base::equal_as_variable(name, claim_field)) return true;
  if (name.empty() || base::lower(name.front()) != 'x') return false;
  constexpr std::string_view forwarded = "x-forwarded-";
  const bool of_proxies = base::equal_as_variable(name.substr(0, forwarded.size()), forwarded) ||
                          base::equal_as_variable(name, "x-real-ip");
  return of_proxies && (!trusted || name.find('_') != std::string_view::npos);
}

// Values of all fields of this id, joined; empty without one.
std::string_view joined(FieldId id, http::RequestHead& request) {
  std::string_view values;
  for (const http::HeaderField& field : request.headers)
    if (field.id == id)
      values = values.empty() ? field.value : request.arena.keep({values, ", ", field.value});
  return values;
}

}  // namespace

void rewrite_request(const Snapshot& snapshot, const http::ClientFacts& facts, const ClientIdentity& client,
                     const policy::RequestContext& context, std::string_view request_id,
                     std::string_view endpoint_authority, const routing::Rewriting& rewriting,
                     http::RequestHead& request) {
  http::Headers& headers = request.headers;
  const ForwardedFields told = snapshot.forwarded;
  std::string_view forwarded_for;
  std::string_view forwarded;
  if (client.trusted_proxy) {
    forwarded_for = joined(FieldId::x_forwarded_for, request);
    if (told.standard) forwarded = joined(FieldId::forwarded, request);
  }
  const bool keep_expect = request.expects_continue;
  const bool trusted = client.trusted_proxy;
  const bool has_id = !snapshot.request_id_field.empty();
  http::remove_hop_by_hop(headers);
  const std::string_view authority = request.authority.empty() ? endpoint_authority : request.authority;
  const bool literal_host = rewriting.host.kind == routing::HostRule::Kind::literal;
  const std::string_view host = literal_host ? std::string_view(rewriting.host.text) : authority;
  std::string_view prefix =
      told.x_forwarded && rewriting.path ? rewriting.path->stripped() : std::string_view();
  bool names_host = false;
  bool has_proto = false;
  bool has_host = false;
  bool has_port = false;
  // A trusted proxy may have taken a prefix of its own away before.
  const auto is_outer_prefix = [&](const http::HeaderField& field) {
    if (prefix.empty() || !base::equal_ignoring_case(field.name, "x-forwarded-prefix")) return false;
    prefix = request.arena.keep({field.value, prefix});
    return true;
  };
  headers.remove_if([&](const http::HeaderField& field) {
    switch (field.id) {
      case FieldId::x_forwarded_for: return told.x_forwarded || !trusted;
      case FieldId::x_forwarded_proto: has_proto = trusted; return !trusted;
      case FieldId::x_forwarded_host: has_host = trusted; return !trusted;
      case FieldId::x_forwarded_port: has_port = trusted; return !trusted;
      case FieldId::forwarded: return told.standard || !trusted;
      case FieldId::expect: return !keep_expect;
      case FieldId::content_length: return true;  // written anew
      case FieldId::host: names_host = field.value == host; return !names_host;
      case FieldId::other:
        return (has_id && base::equal_ignoring_case(field.name, snapshot.request_id_field)) ||
               is_forged(snapshot, field.name, trusted) || is_outer_prefix(field);
      default: return false;
    }
  });

  if (!names_host) headers.add(FieldId::host, "Host", host);
  if (told.x_forwarded) {
    headers.add(FieldId::x_forwarded_for, "X-Forwarded-For",
                forwarded_for.empty() ? std::string_view(facts.peer_text)
                                      : request.arena.keep({forwarded_for, ", ", facts.peer_text}));
    if (!has_proto)
      headers.add(FieldId::x_forwarded_proto, "X-Forwarded-Proto", client.tls ? "https" : "http");
    if (!has_host) headers.add(FieldId::x_forwarded_host, "X-Forwarded-Host", authority);
    if (!has_port && !trusted)
      headers.add(FieldId::x_forwarded_port, "X-Forwarded-Port",
                  request.arena.keep(std::to_string(facts.listener_port)));
    if (!prefix.empty()) headers.add(FieldId::other, "X-Forwarded-Prefix", prefix);
  }
  if (told.standard) {
    const std::string hop = http::write_forwarded(
        {facts.peer.ip, request.authority, facts.tls ? std::string_view("https") : std::string_view("http")});
    headers.add(FieldId::forwarded, "Forwarded",
                forwarded.empty() ? request.arena.keep(hop) : request.arena.keep({forwarded, ", ", hop}));
  }
  if (has_id) headers.add(FieldId::other, snapshot.request_id_field, request_id);
  if (snapshot.via) headers.add(FieldId::via, "Via", "1.1 postern");
  for (const auto& [name, value] : context.forwarded_fields) headers.set(name, value);
  if (context.request_rules) context.request_rules->apply(context, headers, request.arena);

  const std::string_view path = context.target.path;
  const std::string_view raw = request.target;
  // Not only the beginning: "/a/b/.." begins with what it is resolved to.
  const bool unchanged = path.empty() || raw.substr(0, raw.find('?')) == path;
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
