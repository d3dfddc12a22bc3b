#include "proxy/auth_question.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/ascii.h"
#include "http/cookies.h"
#include "proxy/exchange_state.h"
#include "proxy/request_rewrite.h"

namespace postern::proxy {
namespace {

using http::FieldId;
using policy::AuthKeyPart;
using policy::AuthServer;

// What the gateway itself says about the request, beside X-Forwarded-*. A client may send none of them.
constexpr auto own_fields =
    std::to_array<std::string_view>({"x-original-method", "x-original-url", "x-original-uri"});

bool begins_with(std::string_view name, std::string_view prefix) {
  return base::equal_ignoring_case(name.substr(0, prefix.size()), prefix);
}

// Whether a field says something about this one transfer, and nothing about who the client is.
bool is_of_transfer(const http::HeaderField& field) {
  switch (field.id) {
    case FieldId::accept_encoding:
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::content_type:
    case FieldId::expect:
    case FieldId::host:
    case FieldId::keep_alive:
    case FieldId::max_forwards:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::sec_websocket_extensions:
    case FieldId::sec_websocket_key:
    case FieldId::sec_websocket_version:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    case FieldId::other:
      return begins_with(field.name, "content-") || begins_with(field.name, "if-") ||
             base::equal_ignoring_case(field.name, "range");
    default: return false;
  }
}

// The fields that say who the client is, as proxies in front have told it. They are read before they are
// replaced, so they stay until then.
bool is_of_way(FieldId id) {
  switch (id) {
    case FieldId::forwarded:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_port:
    case FieldId::x_forwarded_prefix:
    case FieldId::x_forwarded_proto: return true;
    default: return false;
  }
}

bool is_sent(const http::HeaderField& field, const AuthServer& server) {
  if (is_of_transfer(field)) return false;
  if (is_of_way(field.id) || server.request_fields.empty()) return true;
  return std::any_of(server.request_fields.begin(), server.request_fields.end(),
                     [&](const std::string& name) { return base::equal_ignoring_case(field.name, name); });
}

// Whether a field has a part in what is sent. Connection may name further fields to remove.
bool is_considered(const http::HeaderField& field, const AuthServer& server) {
  return field.id == FieldId::connection || is_sent(field, server);
}

bool is_own_field(std::string_view name) {
  return std::any_of(own_fields.begin(), own_fields.end(),
                     [name](std::string_view own) { return base::equal_as_variable(name, own); });
}

// What the client asks for, as the endpoint will read it: on a route with strict paths, the normalised path.
struct Asked {
  std::string_view path;
  std::string_view query;  // with its "?"; empty: none
};

Asked asked_of(const ExchangeState& exchange) {
  const std::string_view raw = exchange.stream.request().target;
  const size_t mark = std::min(raw.find('?'), raw.size());
  const http::Target& read = exchange.facts.target;
  const bool is_normalised = !read.as_it_came && !read.path.empty();
  return {is_normalised ? read.path : raw.substr(0, mark), raw.substr(mark)};
}

void describe(const ExchangeState& exchange, http::RequestHead& question) {
  const http::RequestHead& request = exchange.stream.request();
  const ClientIdentity& client = exchange.facts.client;
  const std::string_view scheme = client.tls ? "https" : "http";
  const std::string_view authority = client.authority.empty() ? request.authority : client.authority;
  const Asked asked = asked_of(exchange);
  const std::string_view target = question.arena.keep({asked.path, asked.query});
  http::Headers& headers = question.headers;
  headers.remove_if([](const http::HeaderField& field) { return is_own_field(field.name); });
  // Also where the endpoints get no X-Forwarded-*, or only those of a proxy in front.
  if (!exchange.snapshot().forwarded.x_forwarded) headers.set("X-Forwarded-For", client.address_text);
  headers.set("X-Forwarded-Proto", scheme);
  headers.set("X-Forwarded-Host", authority);
  headers.set("X-Forwarded-Method", request.method_text);
  headers.set("X-Forwarded-Uri", target);
  headers.add("X-Original-Method", request.method_text);
  headers.add("X-Original-URL", question.arena.keep({scheme, "://", authority, target}));
  headers.add("X-Original-URI", target);
}

// No text is so long.
constexpr uint32_t end_of_part = 0xffffffff;

// Appends a text with its length, so that no two sequences of texts look the same.
void append(std::string_view part, std::string& text) {
  const auto size = static_cast<uint32_t>(part.size());
  text.append(reinterpret_cast<const char*>(&size), sizeof(size));
  text.append(part);
}

// The two return whether there was any.
bool append_fields(const http::Headers& headers, std::string_view name, std::string& text) {
  bool any = false;
  for (const http::HeaderField& field : headers) {
    if (!base::equal_ignoring_case(field.name, name)) continue;
    append(field.value, text);
    any = true;
  }
  return any;
}

// Whether a cookie is the one of that name, or a part of it: a session that is too large for one cookie is
// split into name_0, name_1 and so on.
bool is_part_of(std::string_view cookie, std::string_view name) {
  if (!name.starts_with(cookie)) return false;
  const std::string_view rest = name.substr(cookie.size());
  if (rest.empty()) return true;
  constexpr std::string_view marks = "_.-";
  return rest.size() > 1 && marks.find(rest.front()) != marks.npos &&
         rest.find_first_not_of("0123456789", 1) == rest.npos;
}

bool append_cookies(const http::Headers& headers, std::string_view cookie, std::string& text) {
  bool any = false;
  for (const http::HeaderField& field : headers) {
    if (field.id != FieldId::cookie) continue;
    http::each_cookie(field.value, [&](std::string_view, std::string_view name, std::string_view value) {
      if (!is_part_of(cookie, name)) return;
      append(name, text);
      append(value, text);
      any = true;
    });
  }
  return any;
}

// Returns whether the part is one that tells clients apart, and the request has it.
bool append_part(const ExchangeState& exchange, const AuthKeyPart& part, std::string& text) {
  const http::RequestHead& request = exchange.stream.request();
  const ClientIdentity& client = exchange.facts.client;
  using Kind = AuthKeyPart::Kind;
  switch (part.kind) {
    case Kind::method: append(request.method_text, text); break;
    case Kind::host:
      append(client.tls ? "https" : "http", text);
      append(client.authority, text);
      break;
    case Kind::path: append(asked_of(exchange).path, text); break;
    case Kind::uri:
      append(asked_of(exchange).path, text);
      append(asked_of(exchange).query, text);
      break;
    case Kind::client_address: append(client.address_text, text); break;
    case Kind::header: return append_fields(request.headers, part.name, text);
    case Kind::cookie: return append_cookies(request.headers, part.name, text);
  }
  return false;
}

void append_whole(const ExchangeState& exchange, const AuthServer& server, std::string& text) {
  const http::RequestHead& request = exchange.stream.request();
  const ClientIdentity& client = exchange.facts.client;
  append(client.tls ? "https" : "http", text);
  append(client.authority, text);
  append(client.host_port, text);
  append(client.address_text, text);
  append(exchange.stream.client().peer_text, text);
  append(request.method_text, text);
  append(asked_of(exchange).path, text);
  append(asked_of(exchange).query, text);
  const auto append_field = [&text](std::string_view name, std::string_view value) {
    append(name, text);
    append(value, text);
  };
  const std::string_view id_field = exchange.snapshot().request_id_field;  // differs in every request
  for (const http::HeaderField& field : request.headers)
    if (is_considered(field, server) &&
        (field.id != FieldId::other || !base::equal_ignoring_case(field.name, id_field)))
      append_field(field.name, field.value);
  append_field({}, {});
  for (const auto& [name, value] : exchange.context->forwarded_fields) append_field(name, value);
}

}  // namespace

http::RequestHead auth_question(const ExchangeState& exchange, const AuthServer& server) {
  const http::RequestHead& request = exchange.stream.request();
  http::RequestHead draft;  // its views point into the exchange
  draft.authority = request.authority;
  draft.target = request.target;
  for (const http::HeaderField& field : request.headers)
    if (is_considered(field, server)) draft.headers.add(field.id, field.name, field.value);
  rewrite_request(exchange.snapshot(), exchange.stream.client(), exchange.facts.client, *exchange.context,
                  exchange.facts.request_id, request.authority, exchange.route->rewriting, draft);
  if (!server.token) describe(exchange, draft);
  const bool keeps_host =
      server.is_own_upstream && exchange.route->rewriting.host.kind != routing::HostRule::Kind::endpoint;

  http::RequestHead question;
  question.method = server.method;
  question.method_text = question.arena.keep(server.method_text);
  if (server.method != http::Method::get) question.body = http::BodyKind::length;  // of zero bytes
  question.target = question.arena.keep(server.target);
  question.headers.reserve(draft.headers.size());
  for (const http::HeaderField& field : draft.headers)
    if (field.id != FieldId::host || keeps_host)
      question.headers.add(field.id, question.arena.keep(field.name), question.arena.keep(field.value));
  return question;
}

bool append_auth_key(const ExchangeState& exchange, const AuthServer& server, std::string& text) {
  const uint64_t identity = server.identity;
  text.append(reinterpret_cast<const char*>(&identity), sizeof(identity));
  const std::vector<AuthKeyPart>& parts = server.cache->key;
  if (parts.empty()) {
    append_whole(exchange, server, text);
    return true;
  }
  bool tells_clients_apart = false;
  for (const AuthKeyPart& part : parts) {
    if (append_part(exchange, part, text)) tells_clients_apart = true;
    text.append(reinterpret_cast<const char*>(&end_of_part),
                sizeof(end_of_part));  // a part may have any number of texts
  }
  return tells_clients_apart || std::none_of(parts.begin(), parts.end(), [](const AuthKeyPart& part) {
           return part.kind == AuthKeyPart::Kind::header || part.kind == AuthKeyPart::Kind::cookie;
         });
}

}  // namespace postern::proxy
