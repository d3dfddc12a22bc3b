#include "config/socket_fingerprint.h"

#include "config/fingerprint.h"

// Each structure is taken apart into all of its members: one that is added to it does not compile here until
// it has been said whether open sockets are held to it.
namespace postern::config {
namespace {

void add(Fingerprint& fingerprint, const base::JsonPath& path) { fingerprint.add(path.text()); }

void add(Fingerprint& fingerprint, const routing::MessageRate& rate) {
  const auto& [per_second, burst] = rate;
  fingerprint.add(per_second);
  if (per_second != 0) fingerprint.add(burst);
}

void add(Fingerprint& fingerprint, const routing::MessageRules& rules, bool has_shared_limits,
         bool are_read) {
  // `dialect` is made of what is added here and below.
  const auto& [any, message_size, message_timeout, fragments, text, binary, messages, bytes, on_rate,
               type_field, types, first_passes, on_type, dialect] = rules;
  fingerprint.add(any);
  fingerprint.add(message_size);
  if (are_read) fingerprint.add(message_timeout.count());
  fingerprint.add(fragments);
  fingerprint.add(text);
  fingerprint.add(binary);
  add(fingerprint, messages);
  add(fingerprint, bytes);
  if (messages.per_second != 0 || bytes.per_second != 0 || has_shared_limits) fingerprint.add(on_rate);
  fingerprint.add(types.size());
  if (types.empty()) return;
  for (const std::string& type : types) fingerprint.add(type);
  add(fingerprint, type_field.value());
  fingerprint.add(first_passes);
  fingerprint.add(on_type);
}

void add(Fingerprint& fingerprint, const std::vector<policy::RateLimitRule>& limits) {
  fingerprint.add(limits.size());
  for (const auto& [by, name, limiter] : limits) {
    fingerprint.add(by);
    fingerprint.add(name);
    const auto& [limit, count, per, burst] = limiter->settings();
    fingerprint.add(limit);
    fingerprint.add(count);
    fingerprint.add(per.count());
    fingerprint.add(burst);
  }
}

void add(Fingerprint& fingerprint, const std::optional<routing::Heartbeat>& heartbeat) {
  fingerprint.add(heartbeat.has_value());
  if (!heartbeat) return;
  const auto& [interval, message] = *heartbeat;
  fingerprint.add(interval.count());
  fingerprint.add(message);
}

void add(Fingerprint& fingerprint, const websocket::CloseCodes& codes) {
  for (const websocket::EndingRow& row : websocket::ending_rows()) {
    const bool of_refusals = row.ending < websocket::Ending::token_expired;
    if (!of_refusals) fingerprint.add(codes[row.ending]);
  }
}

}  // namespace

uint64_t socket_fingerprint(const routing::SocketRules& rules, bool has_tokens) {
  // Of these, `refuse`, `handshake_timeout`, `admission` and `passes_compression` are for sockets that are
  // still to come.
  const auto& [mode, refuse, codes, handshake_timeout, ping_interval, pong_timeout, ends_with_token,
               heartbeat, from_client, message_limits, byte_limits, from_upstream, on_slow_reader,
               latest_field, buffer, admission, compression, passes_compression] = rules;
  const bool are_read = mode == routing::FrameMode::inspect;
  Fingerprint fingerprint;
  fingerprint.add(mode);
  add(fingerprint, codes);
  fingerprint.add(ping_interval.count());
  if (ping_interval != base::no_limit) fingerprint.add(pong_timeout.count());
  fingerprint.add(has_tokens && ends_with_token);
  add(fingerprint, heartbeat);
  add(fingerprint, from_client, !message_limits.empty() || !byte_limits.empty(), are_read);
  add(fingerprint, message_limits);
  add(fingerprint, byte_limits);
  add(fingerprint, from_upstream, false, are_read);
  fingerprint.add(on_slow_reader);
  if (on_slow_reader == routing::OnSlowReader::keep_latest) add(fingerprint, latest_field.value());
  fingerprint.add(buffer);
  if (are_read) fingerprint.add(compression);
  return fingerprint.number();
}

uint64_t stream_fingerprint(const routing::StreamRules& rules, bool has_tokens) {
  // Of these, `limits` and `counts` are for streams that are still to come.
  const auto& [comment_interval, ends_with_token, limits, counts] = rules;
  constexpr std::string_view of_streams = "event_streams";  // no socket has the same
  Fingerprint fingerprint;
  fingerprint.add(of_streams);
  fingerprint.add(comment_interval.count());
  fingerprint.add(has_tokens && ends_with_token);
  return fingerprint.number();
}

}  // namespace postern::config
