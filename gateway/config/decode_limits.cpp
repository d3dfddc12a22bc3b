#include "config/decode_limits.h"

#include <algorithm>
#include <limits>
#include <string>

namespace postern::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr uint64_t kibi = 1024;
constexpr uint64_t mebi = 1024 * 1024;

void decode_redact(const Value& value, LogDocument& log) {
  for (const Value& item : value.items()) {
    const auto name = item.text();
    if (!name) continue;
    if (name->find_first_of("&=# ") != std::string_view::npos) {
      item.refuse({"is no query parameter's name", ""});
      continue;
    }
    if (std::find(log.redact.begin(), log.redact.end(), *name) == log.redact.end()) {
      log.redact.emplace_back(*name);
    }
  }
}

void decode_tunnel_drain(const Value& value, TunnelDrainDocument& drain) {
  constexpr uint64_t most_per_second = 1'000'000;
  const Fields fields(value);
  if (const auto rate = fields.take("rate")) set(drain.percent, rate->parsed(parse_percentage));
  if (const auto minimum = fields.take("minimum")) set(drain.minimum, minimum->number(1, most_per_second));
  if (const auto within = fields.take("within"))
    set(drain.within, within->duration(milliseconds(1), hours(24)));
}

}  // namespace

std::optional<uint64_t> decode_body_size(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (*text == "none") return 0;
  if (*text == "0") {
    value.refuse({"would refuse every body, or none; for no limit", "none"});
    return std::nullopt;
  }
  return value.size(1, std::numeric_limits<int64_t>::max());
}

void decode_limits(const Value& value, LimitsDocument& limits) {
  const Fields fields(value);
  const auto read_duration = [&](std::string_view key, Milliseconds& member, hours most) {
    if (const auto found = fields.take(key)) set(member, found->duration(milliseconds(1), most));
  };
  if (const auto found = fields.take("head_size")) set(limits.head_size, found->size(kibi, mebi));
  if (const auto found = fields.take("target_size")) set(limits.target_size, found->size(256, mebi));
  if (const auto found = fields.take("header_fields")) set(limits.header_fields, found->number(1, 10'000));
  if (const auto found = fields.take("body_size")) set(limits.body_size, decode_body_size(*found));
  if (const auto found = fields.take("connections")) set(limits.connections, found->number(1, 10'000'000));
  read_duration("tls_handshake_timeout", limits.tls_handshake_timeout, hours(1));
  read_duration("request_head_timeout", limits.request_head_timeout, hours(1));
  read_duration("keepalive_timeout", limits.keepalive_timeout, hours(24));
  read_duration("idle_timeout", limits.idle_timeout, hours(24));
  read_duration("tunnel_idle_timeout", limits.tunnel_idle_timeout, hours(24 * 7));
  read_duration("drain_timeout", limits.drain_timeout, hours(24));
  if (const auto found = fields.take("tunnel_drain")) decode_tunnel_drain(*found, limits.tunnel_drain);
}

void decode_log(const Value& value, LogDocument& log) {
  const Fields fields(value);
  if (const auto format = fields.take("format")) {
    const auto index = format->one_of({"json", "text"});
    if (index) log.format = *index == 0 ? LogDocument::Format::json : LogDocument::Format::text;
  }
  if (const auto level = fields.take("level")) {
    const auto index = level->one_of({"debug", "info", "warn", "error"});
    if (index) log.level = static_cast<LogDocument::Level>(*index);
  }
  if (const auto access = fields.take("access")) set(log.access, access->boolean());
  if (const auto output = fields.take("output")) set(log.output, output->text());
  if (const auto redact = fields.take("redact")) decode_redact(*redact, log);
}

}  // namespace postern::config
