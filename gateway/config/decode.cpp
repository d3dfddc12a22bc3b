#include "config/decode.h"

#include <algorithm>
#include <string>

#include "config/addresses.h"
#include "config/decode_admin.h"
#include "config/decode_content.h"
#include "config/decode_error_pages.h"
#include "config/decode_header_rules.h"
#include "config/decode_limits.h"
#include "config/decode_listener.h"
#include "config/decode_policy.h"
#include "config/decode_rate_limits.h"
#include "config/decode_route.h"
#include "config/decode_streams.h"
#include "config/decode_upstream.h"
#include "config/decode_websocket.h"
#include "config/fields.h"

namespace postern::config {
namespace {

constexpr uint64_t max_workers = 1024;

void decode_workers(const Value& value, Document& document) {
  const auto text = value.text();
  if (text && *text != "auto") set(document.workers, value.number(1, max_workers));
}

void decode_trusted_proxies(const Value& value, Document& document) {
  for (const Value& item : value.items()) {
    const auto block = item.parsed(parse_cidr);
    if (!block) continue;
    if (block->ends_with("/0"))
      item.warn("trusts every client; each may then choose its own address in the log");
    document.trusted_proxies.push_back(*block);
    document.trusted_proxy_locations.push_back(item.location());
  }
}

void decode_hosts(const Value& value, Document& document) {
  for (const Value& item : value.items())
    if (auto host = item.parsed(parse_route_host)) document.hosts.push_back(std::move(*host));
}

void decode_forwarded(const Value& value, Document& document) {
  const auto index = value.one_of({"x_forwarded", "rfc7239", "both", "off"});
  if (index) document.forwarded = static_cast<ForwardedMode>(*index);
}

void decode_request_id(const Value& value, Document& document) {
  const auto text = value.text();
  if (!text || *text == "true") return;
  if (*text == "false") {
    document.request_id_header.clear();
  } else {
    set(document.request_id_header, value.parsed(parse_settable_header));
  }
}

void decode_resolver(const Value& value, ResolverDocument& resolver) {
  constexpr std::size_t nameservers_max = 8;
  const Fields fields(value);
  if (const auto servers = fields.take("nameservers")) {
    const auto items = servers->items(nameservers_max);
    if (servers->is_list() && items.empty())
      servers->complain("is empty; leave it out to ask the system's name servers");
    for (const Value& item : items) {
      if (const auto server = item.parsed(parse_nameserver)) resolver.nameservers.push_back(*server);
    }
  }
  if (const auto timeout = fields.take("timeout"))
    set(resolver.timeout, timeout->duration(std::chrono::milliseconds(10), std::chrono::seconds(30)));
}

void collect_written(const Node& node, Document& document) {
  if (node.substituted) document.as_written.emplace(node.location, node.written);
  for (const Node& item : node.items) collect_written(item, document);
}

// Parameters that carry tokens are never logged, whether or not the file says so.
void redact_token_parameters(Document& document) {
  std::vector<std::string>& redact = document.log.redact;
  for (const JwtDocument& jwt : document.jwt) {
    for (const TokenSource& source : jwt.from) {
      const bool is_new = std::find(redact.begin(), redact.end(), source.name) == redact.end();
      if (source.kind == TokenSource::Kind::query && is_new) redact.push_back(source.name);
    }
  }
}

}  // namespace

Document decode(const Node& root, Diagnostics& diagnostics) {
  Document document;
  collect_written(root, document);
  const Fields top(Value(root, "", "", diagnostics));
  if (const auto value = top.take("workers")) decode_workers(*value, document);
  if (const auto value = top.take("trusted_proxies")) decode_trusted_proxies(*value, document);
  if (const auto value = top.take("via")) set(document.via, value->boolean());
  if (const auto value = top.take("paths")) set(document.strict_paths, decode_strict_paths(*value));
  if (const auto value = top.take("request_id")) decode_request_id(*value, document);
  if (const auto value = top.take("forwarded")) decode_forwarded(*value, document);
  if (const auto value = top.take("error_pages")) decode_error_pages(*value, document.error_pages);
  if (const auto value = top.take("request_headers")) document.request_headers = decode_request_rules(*value);
  if (const auto value = top.take("response_headers"))
    document.response_headers = decode_response_rules(*value);
  if (const auto value = top.need("listeners")) decode_listeners(*value, document);
  if (const auto value = top.take("hosts")) decode_hosts(*value, document);
  if (const auto value = top.take("origins")) decode_origins(*value, document);
  if (const auto value = top.take("jwt")) decode_jwt(*value, document);
  if (const auto value = top.take("rate_limits")) decode_rate_limits(*value, document);
  if (const auto value = top.take("upstreams")) decode_upstreams(*value, document);
  if (const auto value = top.take("compression"))
    document.compression = decode_compression(*value, CompressionDocument());
  if (const auto value = top.take("websocket")) decode_websocket(*value, document.websocket);
  if (const auto value = top.take("event_streams")) decode_streams(*value, document.streams);
  if (const auto value = top.need("routes")) decode_routes(*value, document);
  if (const auto value = top.take("resolver")) decode_resolver(*value, document.resolver);
  if (const auto value = top.take("log")) decode_log(*value, document.log);
  if (const auto value = top.take("limits")) decode_limits(*value, document.limits);
  if (const auto value = top.take("admin")) decode_admin(*value, document);
  redact_token_parameters(document);
  return document;
}

}  // namespace postern::config
