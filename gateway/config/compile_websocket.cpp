#include "config/compile_websocket.h"

#include <algorithm>

#include "config/fingerprint.h"
#include "config/keys_websocket.h"
#include "websocket/json_dialect.h"

namespace postern::config {
namespace {

// Defaults that other servers have: Kong's for clients, and uvicorn's ws_max_size for endpoints.
constexpr uint64_t client_message_size = 1024 * 1024;
constexpr uint64_t upstream_message_size = 16 * 1024 * 1024;
// The limit in FrameMode::inspect for `message_size: none`: messages are buffered there, so they must have
// one.
constexpr uint64_t read_message_size = 64 * 1024 * 1024;

// Whether the rules in the file count bytes; the default sizes are not set yet.
bool counts_bytes(const routing::SocketRules& rules) {
  if (!rules.byte_limits.empty()) return true;
  for (const routing::MessageRules* side : {&rules.from_client, &rules.from_upstream})
    if (side->message_size != 0 || side->bytes.per_second != 0) return true;
  return false;
}

// Whether a message may be dropped. The endpoints must then not compress messages, because later messages may
// refer to the dropped one (RFC 7692 section 7.1.1).
bool drops_messages(const routing::SocketRules& rules) {
  using routing::OnViolation;
  const auto drops = [](const routing::MessageRules& side, bool limited) {
    return side.on_rate == OnViolation::drop &&
           (limited || side.messages.per_second != 0 || side.bytes.per_second != 0);
  };
  return drops(rules.from_client, !rules.message_limits.empty() || !rules.byte_limits.empty()) ||
         drops(rules.from_upstream, false);
}

// Null: no rule needs the content of messages, so they are not parsed.
std::shared_ptr<const websocket::Dialect> dialect_of(const routing::MessageRules& rules,
                                                     const std::optional<base::JsonPath>& key) {
  if (!rules.reads_content() && !key) return nullptr;
  return std::make_shared<const websocket::JsonDialect>(rules.type_field, key);
}

// Sets keys without effect to their defaults, so that a change of them closes no socket.
void forget_what_has_no_effect(routing::MessageRules& rules, bool has_shared_limits, bool are_read) {
  const routing::MessageRules usual;
  if (!are_read) rules.message_timeout = usual.message_timeout;
  for (routing::MessageRate* rate : {&rules.messages, &rules.bytes})
    if (rate->per_second == 0) *rate = {};
  if (rules.messages.per_second == 0 && rules.bytes.per_second == 0 && !has_shared_limits)
    rules.on_rate = usual.on_rate;
  if (!rules.types.empty()) return;
  rules.type_field = usual.type_field;
  rules.first_passes = usual.first_passes;
  rules.on_type = usual.on_type;
}

void forget_what_has_no_effect(routing::SocketRules& rules, bool has_tokens) {
  const routing::SocketRules usual;
  const bool are_read = rules.mode == routing::FrameMode::inspect;
  if (rules.ping_interval == base::no_limit) rules.pong_timeout = usual.pong_timeout;
  if (!has_tokens) rules.ends_with_token = usual.ends_with_token;
  if (!has_tokens || !rules.ends_with_token) {
    rules.token_grace = usual.token_grace;
    rules.expiry_notice = usual.expiry_notice;
    rules.renewal_message = usual.renewal_message;
  }
  if (rules.on_slow_reader != routing::OnSlowReader::keep_latest) rules.latest_field = usual.latest_field;
  if (!are_read) rules.compression = usual.compression;
  forget_what_has_no_effect(rules.from_client, !rules.message_limits.empty() || !rules.byte_limits.empty(),
                            are_read);
  forget_what_has_no_effect(rules.from_upstream, false, are_read);
}

void add_settings(Fingerprint& fingerprint, const std::vector<policy::RateLimitRule>& rules,
                  const std::vector<state::RateLimitSettings>& limits) {
  fingerprint.add(rules.size());
  for (const auto& [by, name, index, report_only] : rules) {
    fingerprint.add(by);
    fingerprint.add(name);
    fingerprint.add(report_only);
    const auto& [limit, count, per, burst] = limits[index];
    fingerprint.add(limit);
    fingerprint.add(count);
    fingerprint.add(per.count());
    fingerprint.add(burst);
  }
}

}  // namespace

routing::FrameMode least_mode(const WebSocketDocument& document) {
  using routing::FrameMode;
  FrameMode needed = FrameMode::tunnel;
  if (!document.message_limit_names.empty() || !document.byte_limit_names.empty()) needed = FrameMode::walk;
  for (const routing::MessageRules* side : {&document.from_client, &document.from_upstream}) {
    if (side->reads_headers()) needed = std::max(needed, FrameMode::walk);
    if (side->reads_content()) needed = FrameMode::inspect;
  }
  if (document.renewal_message) needed = FrameMode::inspect;
  if (document.on_slow_reader != routing::OnSlowReader::pause) needed = FrameMode::inspect;
  return needed;
}

std::shared_ptr<const routing::SocketRules> socket_rules(const RouteDocument& route,
                                                         PolicyCompiler& policies) {
  using routing::FrameMode;
  const WebSocketDocument& document = route.websocket;
  auto rules = std::make_shared<routing::SocketRules>(document);
  rules->message_limits = policies.rate_limit_rules(document.message_limit_names);
  rules->byte_limits = policies.rate_limit_rules(document.byte_limit_names);
  if (rules->admission) rules->admission->line = policies.admission_line(route);
  rules->mode = std::max(rules->mode, least_mode(document));
  rules->passes_compression =
      rules->mode == FrameMode::tunnel ||
      (rules->mode == FrameMode::walk && !counts_bytes(*rules) && !drops_messages(*rules));
  if (rules->mode != FrameMode::tunnel) {
    if (!document.said.contains("from_client.message_size"))
      rules->from_client.message_size = client_message_size;
    if (!document.said.contains("from_upstream.message_size"))
      rules->from_upstream.message_size = upstream_message_size;
  }
  if (rules->mode == FrameMode::inspect)
    for (routing::MessageRules* side : {&rules->from_client, &rules->from_upstream})
      if (side->message_size == 0) side->message_size = read_message_size;
  rules->from_client.dialect = dialect_of(rules->from_client, std::nullopt);
  rules->from_upstream.dialect = dialect_of(rules->from_upstream, rules->latest_field);
  return rules;
}

uint64_t socket_fingerprint(WebSocketDocument document, const routing::SocketRules& rules,
                            const std::vector<state::RateLimitSettings>& limits, bool has_tokens) {
  static_cast<routing::SocketRules&>(document) = rules;
  forget_what_has_no_effect(document, has_tokens);
  Fingerprint fingerprint;
  socket_keys().add_to(fingerprint, &document);
  add_settings(fingerprint, rules.message_limits, limits);
  add_settings(fingerprint, rules.byte_limits, limits);
  return fingerprint.number();
}

uint64_t stream_fingerprint(routing::StreamRules rules, bool has_tokens) {
  constexpr std::string_view of_streams = "event_streams";  // keeps the number apart from those of sockets
  const routing::StreamRules usual;
  if (!has_tokens) rules.ends_with_token = usual.ends_with_token;
  if (!has_tokens || !rules.ends_with_token) {
    rules.token_grace = usual.token_grace;
    rules.expiry_notice = usual.expiry_notice;
  }
  Fingerprint fingerprint;
  fingerprint.add(of_streams);
  stream_keys().add_to(fingerprint, &rules);
  return fingerprint.number();
}

}  // namespace postern::config
