#include "config/decode_upstream.h"

#include <algorithm>

#include "config/addresses.h"
#include "config/decode_resilience.h"
#include "config/text.h"

namespace postern::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

void decode_endpoints(const Value& value, UpstreamDocument& upstream) {
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; an upstream needs an endpoint");
  for (const Value& item : items) {
    auto url = item.parsed(parse_endpoint);
    if (!url) continue;
    url->place = item.place();
    for (const EndpointUrl& other : upstream.endpoints) {
      if (other.text != url->text) continue;
      item.complain(item.quote() + " stands in line " + std::to_string(other.place.line) + " already");
      break;
    }
    upstream.endpoints.push_back(std::move(*url));
  }
}

void decode_timeouts(const Value& value, UpstreamDocument& upstream) {
  const Fields fields(value);
  const auto read = [&](std::string_view key, Milliseconds& member) {
    if (const auto found = fields.take(key)) set(member, found->duration(milliseconds(1), hours(24)));
  };
  read("connect", upstream.connect_timeout);
  read("response", upstream.response_timeout);
  read("idle", upstream.idle_timeout);
  read("keepalive", upstream.keepalive_timeout);
}

void decode_verification(const Fields& fields, UpstreamDocument& upstream) {
  if (const auto ca = fields.take("ca")) set(upstream.ca, ca->text());
  if (const auto insecure = fields.take("insecure")) {
    set(upstream.insecure, insecure->boolean());
    if (upstream.insecure) {
      insecure->warn(
          "https endpoints are not verified: whoever answers is believed; a ca file is the better way");
    }
  }
  if (const auto name = fields.take("server_name")) {
    const auto text = name->text();
    if (text && !is_host(*text)) {
      name->refuse({"is no host name", ""});
    } else {
      set(upstream.server_name, text.has_value() ? std::optional<std::string>(*text) : std::nullopt);
    }
  }
}

UpstreamDocument decode_upstream(std::string name, const Value& value) {
  const Fields fields(value);
  UpstreamDocument upstream;
  upstream.name = std::move(name);
  upstream.place = value.place();
  if (const auto endpoints = fields.need("endpoints")) decode_endpoints(*endpoints, upstream);
  if (const auto balance = fields.take("balance")) {
    const auto index = balance->one_of({"round_robin", "least_connections"});
    if (index) upstream.balance = *index == 0 ? Balance::round_robin : Balance::least_connections;
  }
  decode_verification(fields, upstream);
  if (const auto timeouts = fields.take("timeouts")) decode_timeouts(*timeouts, upstream);
  if (const auto count = fields.take("keepalive_connections")) {
    set(upstream.keepalive_connections, count->number(0, 65'535));
  }
  decode_resilience(fields, upstream);
  return upstream;
}

}  // namespace

void decode_upstreams(const Value& value, Document& document) {
  for (const auto& [key, entry] : value.entries()) {
    if (const auto name = parse_name(key.text); !name) {
      value.diagnostics().error(key.place, entry.path(), quoted(key.text) + ' ' + name.error().rule);
    }
    UpstreamDocument upstream = decode_upstream(key.text, entry);
    upstream.place = key.place;
    document.upstreams.push_back(std::move(upstream));
  }
}

void decode_inline_upstream(const Value& value, Document& document) {
  auto url = value.parsed(parse_endpoint);
  if (!url) return;
  const bool is_known = std::any_of(document.upstreams.begin(), document.upstreams.end(),
                                    [&](const UpstreamDocument& other) { return other.name == url->text; });
  if (is_known) return;
  url->place = value.place();
  UpstreamDocument upstream;
  upstream.name = url->text;
  upstream.place = value.place();
  upstream.endpoints.push_back(std::move(*url));
  document.upstreams.push_back(std::move(upstream));
}

}  // namespace postern::config
