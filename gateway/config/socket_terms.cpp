#include "config/socket_terms.h"

#include "config/fingerprint.h"

// Each structure is taken apart into all of its members: one that is added to it does not compile here until
// it has been said whether open sockets are held to it.
namespace postern::config {
namespace {

void add(Fingerprint& terms, const base::JsonPath& path) { terms.add(path.text()); }

void add(Fingerprint& terms, const routing::MessageRate& rate) {
  const auto& [per_second, burst] = rate;
  terms.add(per_second);
  if (per_second != 0) terms.add(burst);
}

void add(Fingerprint& terms, const routing::MessageRules& rules, bool has_shared_limits, bool are_read) {
  const auto& [any, message_size, message_timeout, fragments, text, binary, messages, bytes, on_rate,
               type_field, types, first_passes, on_type] = rules;
  terms.add(any);
  terms.add(message_size);
  if (are_read) terms.add(message_timeout.count());
  terms.add(fragments);
  terms.add(text);
  terms.add(binary);
  add(terms, messages);
  add(terms, bytes);
  if (messages.per_second != 0 || bytes.per_second != 0 || has_shared_limits) terms.add(on_rate);
  terms.add(types.size());
  if (types.empty()) return;
  for (const std::string& type : types) terms.add(type);
  add(terms, type_field.value());
  terms.add(first_passes);
  terms.add(on_type);
}

void add(Fingerprint& terms, const std::vector<policy::RateLimitRule>& limits) {
  terms.add(limits.size());
  for (const auto& [by, name, limiter] : limits) {
    terms.add(by);
    terms.add(name);
    const auto& [limit, count, per, burst] = limiter->settings();
    terms.add(limit);
    terms.add(count);
    terms.add(per.count());
    terms.add(burst);
  }
}

void add(Fingerprint& terms, const std::optional<routing::Heartbeat>& heartbeat) {
  terms.add(heartbeat.has_value());
  if (!heartbeat) return;
  const auto& [interval, message] = *heartbeat;
  terms.add(interval.count());
  terms.add(message);
}

void add(Fingerprint& terms, const websocket::CloseCodes& codes) {
  for (const websocket::EndingRow& row : websocket::ending_rows()) {
    const bool of_refusals = row.ending < websocket::Ending::token_expired;
    if (!of_refusals) terms.add(codes[row.ending]);
  }
}

}  // namespace

uint64_t socket_terms(const routing::SocketRules& rules, bool has_tokens) {
  // Of these, `refuse`, `handshake_timeout`, `admission` and `passes_compression` are for sockets that are
  // still to come.
  const auto& [mode, refuse, codes, handshake_timeout, ping_interval, pong_timeout, ends_with_token,
               heartbeat, from_client, message_limits, byte_limits, from_upstream, on_slow_reader,
               latest_field, buffer, admission, compression, passes_compression] = rules;
  const bool are_read = mode == routing::FrameMode::inspect;
  Fingerprint terms;
  terms.add(mode);
  add(terms, codes);
  terms.add(ping_interval.count());
  if (ping_interval != base::no_limit) terms.add(pong_timeout.count());
  terms.add(has_tokens && ends_with_token);
  add(terms, heartbeat);
  add(terms, from_client, !message_limits.empty() || !byte_limits.empty(), are_read);
  add(terms, message_limits);
  add(terms, byte_limits);
  add(terms, from_upstream, false, are_read);
  terms.add(on_slow_reader);
  if (on_slow_reader == routing::OnSlowReader::keep_latest) add(terms, latest_field.value());
  terms.add(buffer);
  if (are_read) terms.add(compression);
  return terms.number();
}

uint64_t stream_terms(const routing::StreamRules& rules, bool has_tokens) {
  // Of these, `limits` and `counts` are for streams that are still to come.
  const auto& [comment_interval, ends_with_token, limits, counts] = rules;
  constexpr std::string_view of_streams = "event_streams";  // no socket has the same
  Fingerprint terms;
  terms.add(of_streams);
  terms.add(comment_interval.count());
  terms.add(has_tokens && ends_with_token);
  return terms.number();
}

}  // namespace postern::config
