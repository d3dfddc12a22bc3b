#include "config/decode_upstream.h"

#include <algorithm>
#include <array>

#include "config/addresses.h"
#include "config/decode_resilience.h"
#include "config/decode_rewrite.h"
#include "config/text.h"
#include "upstream/learned_values.h"

namespace postern::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// "http://a:1", or a map with the URL in it.
std::optional<EndpointUrl> decode_endpoint(const Value& value) {
  if (!value.is_map()) return value.parsed(parse_endpoint);
  const Fields fields(value);
  std::optional<EndpointUrl> endpoint;
  if (const auto url = fields.need("url")) endpoint = url->parsed(parse_endpoint);
  EndpointUrl read;  // whose problems are told even when the URL has one
  if (const auto weight = fields.take("weight")) set(read.weight, weight->number(1, 1000));
  if (const auto backup = fields.take("backup")) set(read.backup, backup->boolean());
  if (const auto most = fields.take("max_requests")) set(read.max_requests, most->number(1, 1'000'000));
  if (!endpoint) return std::nullopt;
  endpoint->weight = read.weight;
  endpoint->backup = read.backup;
  endpoint->max_requests = read.max_requests;
  return endpoint;
}

void decode_endpoints(const Value& value, UpstreamDocument& upstream) {
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; an upstream needs an endpoint");
  for (const Value& item : items) {
    auto url = decode_endpoint(item);
    if (!url) continue;
    url->location = item.location();
    for (const EndpointUrl& other : upstream.endpoints) {
      if (other.text != url->text) continue;
      item.complain((item.is_scalar() ? item.quote() : "this endpoint") + " stands in line " +
                    std::to_string(other.location.line) + " already");
      break;
    }
    upstream.endpoints.push_back(std::move(*url));
  }
  const bool only_backups = !upstream.endpoints.empty() && upstream.endpoints.size() == items.size() &&
                            std::all_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                        [](const EndpointUrl& endpoint) { return endpoint.backup; });
  if (only_backups) value.complain("has backups only; one endpoint at least must be none");
}

// { header: NAME }, { cookie: NAME }, { query: NAME } or client_address.
void decode_hash(const Value& value, UpstreamDocument& upstream) {
  using Kind = HashDocument::Kind;
  if (value.is_scalar()) {
    value.one_of({"client_address"});
    return;
  }
  const Fields fields(value, {"header", "cookie", "query"});
  if (!fields.is_map()) return;
  int found = 0;
  const auto read = [&](std::string_view key, Kind kind, Parsed<std::string> (*parse)(std::string_view)) {
    const auto name = fields.take(key);
    if (!name) return;
    ++found;
    upstream.hash.kind = kind;
    if (parse)
      set(upstream.hash.name, name->parsed(parse));
    else if (const auto text = name->text())
      upstream.hash.name = *text;
  };
  read("header", Kind::header, parse_header_name);
  read("cookie", Kind::cookie, parse_cookie_name);
  read("query", Kind::query, nullptr);
  if (found != 1) value.complain("names one of header, cookie and query, or is client_address");
}

void decode_plain_balance(const Value& value, UpstreamDocument& upstream) {
  const std::string_view word = value.node().text;
  if (value.is_scalar() && (word == "ip_hash" || word == "source"))
    return value.complain(value.quote() + " is written { hash: client_address }");
  constexpr auto rules = std::to_array(
      {Balance::round_robin, Balance::least_connections, Balance::power_of_two_choices, Balance::random});
  const auto index = value.one_of({"round_robin", "least_connections", "power_of_two_choices", "random"});
  if (index) upstream.balance = rules[*index];
}

void decode_learn(const Value& value, UpstreamDocument& upstream) {
  constexpr uint64_t most_values = 10'000'000;
  const Fields fields(value, {"response_header", "request_header", "values", "otherwise"});
  if (!fields.is_map()) return;
  LearnDocument& learn = upstream.learn.emplace();
  if (const auto name = fields.need("response_header"))
    set(learn.response_header, name->parsed(parse_header_name));
  learn.request_header = learn.response_header;
  if (const auto name = fields.take("request_header"))
    set(learn.request_header, name->parsed(parse_header_name));
  if (const auto values = fields.take("values"))
    set(learn.values, values->number(upstream::LearnedValues::shard_count, most_values));
  if (const auto otherwise = fields.take("otherwise")) decode_plain_balance(*otherwise, upstream);
}

void decode_balance(const Value& value, UpstreamDocument& upstream) {
  if (value.is_map()) {
    const Fields fields(value, {"hash", "learn"});
    if (const auto learn = fields.take("learn")) {
      if (const auto hash = fields.take("hash"))
        hash->complain("stands beside learn; a balance is one of the two");
      return decode_learn(*learn, upstream);
    }
    upstream.balance = Balance::hash;
    if (const auto hash = fields.need("hash")) decode_hash(*hash, upstream);
    return;
  }
  if (value.is_scalar() && value.node().text == "hash") {
    value.complain("needs what to hash: { hash: client_address } or { hash: { header: NAME } }");
    return;
  }
  decode_plain_balance(value, upstream);
}

void decode_queue(const Value& value, UpstreamDocument& upstream) {
  const Fields fields(value);
  QueueDocument& queue = upstream.queue.emplace();
  if (const auto size = fields.take("size")) set(queue.size, size->number(1, 1'000'000));
  if (const auto timeout = fields.take("timeout")) {
    set(queue.timeout, timeout->duration(milliseconds(1), hours(1)));
  }
  const bool is_limited = std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                      [](const EndpointUrl& endpoint) { return endpoint.max_requests != 0; });
  if (!is_limited) value.warn("nobody will ever wait: no endpoint has max_requests");
}

// Whatever is wrong with a secret, its text is never repeated.
void decode_sticky_secret(const Value& value, StickyDocument& sticky) {
  const auto text = value.text();
  if (!text) return;
  constexpr std::size_t least = 32;  // RFC 7518 section 3.2, for HS256
  if (text->size() < least) {
    value.complain("is shorter than 32 bytes; make one with: openssl rand -hex 32");
    return;
  }
  sticky.secret = *text;
}

Parsed<std::string> parse_cookie_path(std::string_view text) {
  const bool is_good =
      text.starts_with('/') && text.find(';') == text.npos &&
      std::all_of(text.begin(), text.end(), [](char byte) { return byte > ' ' && byte < 0x7f; });
  if (!is_good) return complain("is not the path of a cookie (\"/\" first, no space, no \";\")");
  return std::string(text);
}

void decode_sticky(const Value& value, UpstreamDocument& upstream) {
  const Fields fields(value);
  StickyDocument& sticky = upstream.sticky.emplace();
  sticky.cookie_location = value.location();
  if (const auto secret = fields.need("secret")) decode_sticky_secret(*secret, sticky);
  if (const auto cookie = fields.take("cookie")) {
    set(sticky.cookie, cookie->parsed(parse_cookie_name));
    sticky.cookie_location = cookie->location();
  }
  if (const auto ttl = fields.take("ttl")) {
    const auto time = ttl->duration(std::chrono::seconds(1), hours(8760));  // a year
    if (time) sticky.ttl = std::chrono::duration_cast<std::chrono::seconds>(*time);
  }
  if (const auto path = fields.take("path")) set(sticky.path, path->parsed(parse_cookie_path));
  const auto secure = fields.take("secure");
  if (secure) {
    constexpr auto rules = std::to_array(
        {StickyDocument::Secure::when_tls, StickyDocument::Secure::always, StickyDocument::Secure::never});
    if (const auto index = secure->one_of({"auto", "true", "false"})) sticky.secure = rules[*index];
  }
  if (const auto same_site = fields.take("same_site")) {
    constexpr auto rules = std::to_array(
        {StickyDocument::SameSite::lax, StickyDocument::SameSite::strict, StickyDocument::SameSite::none});
    if (const auto index = same_site->one_of({"lax", "strict", "none"})) sticky.same_site = rules[*index];
    if (sticky.same_site == StickyDocument::SameSite::none && sticky.secure == StickyDocument::Secure::never)
      same_site->complain("none stands beside secure: false; browsers take such a cookie over https only");
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
  if (const auto found = fields.take("stream_idle")) {
    if (found->says_none())
      upstream.stream_idle_timeout.reset();
    else
      upstream.stream_idle_timeout = found->duration(milliseconds(1), hours(24 * 7), "none");
  }
  read("keepalive", upstream.keepalive_timeout);
}

void decode_response_limits(const Value& value, UpstreamDocument& upstream) {
  constexpr uint64_t kibi = 1024;
  const Fields fields(value);
  if (const auto size = fields.take("head_size"))
    set(upstream.response_head_size, size->size(kibi, kibi * kibi));
  if (const auto count = fields.take("header_fields"))
    set(upstream.response_fields, count->number(1, 10'000));
}

void decode_verification(const Fields& fields, UpstreamDocument& upstream) {
  if (const auto ca = fields.take("ca")) {
    set(upstream.ca, ca->text());
    upstream.ca_location = ca->location();
  }
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
      name->refuse({"is not a host name", ""});
    } else {
      set(upstream.server_name, text.has_value() ? std::optional<std::string>(*text) : std::nullopt);
    }
  }
}

UpstreamDocument decode_upstream(std::string name, const Value& value) {
  const Fields fields(value);
  UpstreamDocument upstream;
  upstream.name = std::move(name);
  upstream.location = value.location();
  if (const auto endpoints = fields.need("endpoints")) decode_endpoints(*endpoints, upstream);
  if (const auto balance = fields.take("balance")) decode_balance(*balance, upstream);
  if (const auto slow_start = fields.take("slow_start")) {
    set(upstream.slow_start, slow_start->duration(milliseconds(0), hours(1)));
  }
  if (const auto queue = fields.take("queue")) decode_queue(*queue, upstream);
  if (const auto sticky = fields.take("sticky")) {
    decode_sticky(*sticky, upstream);
    if (upstream.learn)
      sticky->complain("stands beside balance: { learn: ... }; an upstream has one of the two");
  }
  decode_verification(fields, upstream);
  if (const auto timeouts = fields.take("timeouts")) decode_timeouts(*timeouts, upstream);
  if (const auto limits = fields.take("limits")) decode_response_limits(*limits, upstream);
  if (const auto version = fields.take("proxy_protocol")) {
    const auto index = version->one_of({"v1", "v2"});
    if (index) upstream.proxy_protocol = *index == 0 ? ProxyProtocolOut::v1 : ProxyProtocolOut::v2;
  }
  if (const auto count = fields.take("keepalive_connections")) {
    set(upstream.keepalive_connections, count->number(0, 65'535));
    if (upstream.proxy_protocol != ProxyProtocolOut::none)
      count->warn("has no effect: with proxy_protocol a connection belongs to one client, and is not kept");
  }
  decode_resilience(fields, upstream);
  if (const auto host = fields.take("host")) set(upstream.host_sent, decode_host_sent(*host));
  return upstream;
}

}  // namespace

void decode_upstreams(const Value& value, Document& document) {
  for (const auto& [key, entry] : value.entries()) {
    check_name(key, entry);
    UpstreamDocument upstream = decode_upstream(key.text, entry);
    upstream.location = key.location;
    document.upstreams.push_back(std::move(upstream));
  }
}

void decode_inline_upstream(const Value& value, Document& document) {
  auto url = value.parsed(parse_endpoint);
  if (!url) return;
  const bool is_known = std::any_of(document.upstreams.begin(), document.upstreams.end(),
                                    [&](const UpstreamDocument& other) { return other.name == url->text; });
  if (is_known) return;
  url->location = value.location();
  UpstreamDocument upstream;
  upstream.name = url->text;
  upstream.location = value.location();
  upstream.endpoints.push_back(std::move(*url));
  document.upstreams.push_back(std::move(upstream));
}

}  // namespace postern::config
