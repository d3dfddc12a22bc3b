#include "config/decode_route.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/decode_action.h"
#include "config/decode_content.h"
#include "config/decode_header_rules.h"
#include "config/decode_limits.h"
#include "config/decode_match.h"
#include "config/decode_rewrite.h"
#include "config/decode_streams.h"
#include "config/decode_websocket.h"
#include "config/fingerprint.h"

namespace postern::config {
namespace {

constexpr std::size_t max_routes = 10'000;

void decode_jwt_reference(const Value& value, RouteDocument& route) {
  route.jwt_location = value.location();
  if (value.is_scalar()) {
    set(route.jwt, value.text());
    return;
  }
  const Fields fields(value);
  if (const auto use = fields.need("use")) {
    set(route.jwt, use->text());
    route.jwt_location = use->location();
  }
  if (const auto required = fields.take("required")) set(route.jwt_required, required->boolean());
}

void decode_forward_claims(const Value& value, RouteDocument& route) {
  for (const auto& [key, entry] : value.entries()) {
    auto header = entry.parsed(parse_settable_header);
    if (!header) continue;
    const std::string lower = base::to_lower(*header);
    for (const ForwardedClaim& other : route.forward_claims) {
      if (base::to_lower(other.header) != lower) continue;
      entry.complain(entry.quote() + " takes another claim in line " + std::to_string(other.location.line) +
                     " already");
      break;
    }
    route.forward_claims.push_back(ForwardedClaim{key.text, std::move(*header), entry.location()});
  }
}

// It says what takes the place of the match's path: of one.
void check_replaced_prefix(const RouteDocument& route, const Value& value) {
  if (!route.rewrite || route.rewrite->kind != PathRewriteDocument::Kind::replace_prefix) return;
  if (route.paths.size() == 1 && !route.pattern_alone) return;
  value.diagnostics().error(route.rewrite->location, value.path() + ".rewrite.replace_prefix",
                            route.pattern_alone ? "needs match.path to replace; the match has a pattern alone"
                                                : "needs one path to replace; the match has several, or one "
                                                  "that an escape gives two spellings");
}

void decode_clients(const Value& value, std::vector<std::string>& blocks) {
  const auto items = value.items_or_one();
  if (value.is_list() && items.empty()) value.complain("is empty; leave it out");
  for (const Value& item : items)
    if (auto block = item.parsed(parse_cidr)) blocks.push_back(std::move(*block));
}

RouteDocument decode_route(const Value& value, Document& document) {
  const Fields fields(value);
  RouteDocument route;
  route.name = value.path();
  route.location = value.location();
  // What its sockets and event streams are held to is compared as it holds; rates of requests are nothing to
  // open ones.
  route.fingerprint = fingerprint(value.node(), {"name", "websocket", "event_streams", "rate_limit"});
  if (const auto name = fields.take("name")) {
    route.name_location = name->location();
    set(route.name, name->parsed(parse_name));
    if (route.name == "none") name->complain("\"none\" is what metrics call requests of no route");
  }
  const std::size_t errors_before = value.diagnostics().errors();
  if (const auto match = fields.take("match")) decode_match(*match, route);
  route.match_read =
      fields.is_map() && !fields.is_misspelt("match") && value.diagnostics().errors() == errors_before;
  if (const auto paths = fields.take("paths")) route.strict_paths = decode_strict_paths(*paths);
  decode_action(fields, route, document);
  decode_rewriting(fields, route);
  check_replaced_prefix(route, value);
  if (const auto allow = fields.take("allow")) decode_clients(*allow, route.allow);
  if (const auto deny = fields.take("deny")) decode_clients(*deny, route.deny);
  if (const auto rules = fields.take("request_headers")) route.request_headers = decode_request_rules(*rules);
  if (const auto rules = fields.take("response_headers"))
    route.response_headers = decode_response_rules(*rules);
  if (const auto origins = fields.take("origins")) {
    route.origins_location = origins->location();
    set(route.origins, origins->text());
  }
  const auto jwt = fields.take("jwt");
  if (jwt) decode_jwt_reference(*jwt, route);
  if (const auto claims = fields.take("forward_claims")) {
    decode_forward_claims(*claims, route);
    if (!jwt && !fields.is_misspelt("jwt"))
      claims->complain("needs jwt: without a verified token there are no claims");
  }
  if (const auto limits = fields.take("rate_limit")) {
    for (const Value& item : limits->items_or_one())
      if (const auto name = item.text()) route.rate_limits.emplace_back(*name, item.location());
  }
  route.compression = document.compression;
  if (const auto compression = fields.take("compression"))
    route.compression =
        decode_compression(*compression, document.compression.value_or(CompressionDocument()));
  route.websocket = document.websocket;
  if (const auto websocket = fields.take("websocket")) decode_websocket(*websocket, route.websocket);
  route.streams = document.streams;
  if (const auto streams = fields.take("event_streams")) decode_streams(*streams, route.streams);
  if (const auto limits = fields.take("limits")) decode_transfer_limits(*limits, route.limits);
  if (const auto size = fields.take("body_size")) {
    if (route.limits.body_size) size->complain("stands in limits as well; a route has one of the two");
    if (const auto bytes = decode_body_size(*size)) route.limits.body_size = *bytes;
  }
  return route;
}

}  // namespace

std::optional<bool> decode_strict_paths(const Value& value) {
  const auto index = value.one_of({"unchanged", "strict"});
  if (!index) return std::nullopt;
  return *index == 1;
}

void decode_routes(const Value& value, Document& document) {
  const auto items = value.items(max_routes);
  if (value.is_list() && items.empty()) value.complain("is empty; every request would be answered with 404");
  for (const Value& item : items) document.routes.push_back(decode_route(item, document));
}

}  // namespace postern::config
