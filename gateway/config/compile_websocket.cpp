#include "config/compile_websocket.h"

#include <algorithm>

#include "websocket/json_dialect.h"

namespace postern::config {
namespace {

// What servers take by default: Kong's for clients, uvicorn's ws_max_size for endpoints.
constexpr uint64_t client_message_size = 1024 * 1024;
constexpr uint64_t upstream_message_size = 16 * 1024 * 1024;
// Where messages are put together, none is without an end.
constexpr uint64_t read_message_size = 64 * 1024 * 1024;

// What is written, not what is usual.
bool counts_bytes(const routing::SocketRules& rules) {
  if (!rules.byte_limits.empty()) return true;
  for (const routing::MessageRules* side : {&rules.from_client, &rules.from_upstream})
    if (side->message_size != 0 || side->bytes.per_second != 0) return true;
  return false;
}

// In the middle of what the ends have compressed: what comes later may refer to what is gone (RFC
// 7692 7.1.1).
bool drops_messages(const routing::SocketRules& rules) {
  using routing::OnViolation;
  const auto drops = [](const routing::MessageRules& side, bool limited) {
    return side.on_rate == OnViolation::drop &&
           (limited || side.messages.per_second != 0 || side.bytes.per_second != 0);
  };
  return drops(rules.from_client, !rules.message_limits.empty() || !rules.byte_limits.empty()) ||
         drops(rules.from_upstream, false);
}

// Null where nothing is asked of messages, so that they are not read for it.
std::shared_ptr<const websocket::Dialect> dialect_of(const routing::MessageRules& rules,
                                                     const std::optional<base::JsonPath>& key) {
  if (!rules.reads_content() && !key) return nullptr;
  return std::make_shared<const websocket::JsonDialect>(rules.type_field, key);
}

}  // namespace

routing::FrameMode least_mode(const WebSocketDocument& document) {
  using routing::FrameMode;
  const routing::SocketRules& rules = document.rules;
  FrameMode needed = FrameMode::tunnel;
  if (!document.message_limits.empty() || !document.byte_limits.empty()) needed = FrameMode::walk;
  if (document.client_message_size.value_or(0) != 0 || document.upstream_message_size.value_or(0) != 0)
    needed = FrameMode::walk;
  for (const routing::MessageRules* side : {&rules.from_client, &rules.from_upstream}) {
    if (side->reads_headers()) needed = std::max(needed, FrameMode::walk);
    if (side->reads_content()) needed = FrameMode::inspect;
  }
  if (rules.on_slow_reader != routing::OnSlowReader::pause) needed = FrameMode::inspect;
  return needed;
}

std::shared_ptr<const routing::SocketRules> socket_rules(const WebSocketDocument& document,
                                                         PolicyCompiler& policies) {
  using routing::FrameMode;
  auto rules = std::make_shared<routing::SocketRules>(document.rules);
  rules->from_client.message_size = document.client_message_size.value_or(0);
  rules->from_upstream.message_size = document.upstream_message_size.value_or(0);
  rules->message_limits = policies.rate_limit_rules(document.message_limits);
  rules->byte_limits = policies.rate_limit_rules(document.byte_limits);
  rules->admission = document.admission;
  if (rules->admission) rules->admission->line = std::make_shared<routing::AdmissionLine>();
  rules->mode = std::max(rules->mode, least_mode(document));
  rules->passes_compression =
      rules->mode == FrameMode::tunnel ||
      (rules->mode == FrameMode::walk && !counts_bytes(*rules) && !drops_messages(*rules));
  if (rules->mode != FrameMode::tunnel) {
    rules->from_client.message_size = document.client_message_size.value_or(client_message_size);
    rules->from_upstream.message_size = document.upstream_message_size.value_or(upstream_message_size);
  }
  if (rules->mode == FrameMode::inspect)
    for (routing::MessageRules* side : {&rules->from_client, &rules->from_upstream})
      if (side->message_size == 0) side->message_size = read_message_size;
  rules->from_client.dialect = dialect_of(rules->from_client, std::nullopt);
  rules->from_upstream.dialect = dialect_of(rules->from_upstream, rules->latest_field);
  return rules;
}

}  // namespace postern::config
