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
      item.refuse({"is not the name of a query parameter", ""});
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

// A number or `none`, which is 0.
std::optional<uint64_t> number_or_none(const Value& value, uint64_t most) {
  if (value.says_none()) return 0;
  return value.number(1, most, "none");
}

std::optional<uint64_t> rate_or_none(const Value& value) {
  if (value.says_none()) return 0;
  return value.parsed(parse_byte_rate);
}

class Durations {
 public:
  explicit Durations(const Fields& fields) : fields_(fields) {}
  void read(std::string_view key, std::optional<Milliseconds>& member, hours most) const {
    if (const auto found = fields_.take(key))
      if (const auto duration = found->duration(milliseconds(1), most)) member = *duration;
  }

 private:
  const Fields& fields_;
};

void take_transfer_limits(const Fields& fields, TransferLimitsDocument& limits) {
  const Durations durations(fields);
  if (const auto found = fields.take("body_size"))
    if (const auto size = decode_body_size(*found)) limits.body_size = *size;
  if (const auto found = fields.take("request_timeout")) {
    if (found->says_none())
      limits.request_timeout = Milliseconds(0);
    else if (const auto timeout = found->duration(milliseconds(1), hours(24 * 7), "none"))
      limits.request_timeout = *timeout;
  }
  durations.read("idle_timeout", limits.idle_timeout, hours(24));
  if (const auto found = fields.take("request_body_rate"))
    if (const auto rate = rate_or_none(*found)) limits.request_body_rate = *rate;
  if (const auto found = fields.take("response_body_rate"))
    if (const auto rate = rate_or_none(*found)) limits.response_body_rate = *rate;
  durations.read("tunnel_idle_timeout", limits.tunnel_idle_timeout, hours(24 * 7));
}

void take_listener_limits(const Fields& fields, ListenerLimitsDocument& limits) {
  const Durations durations(fields);
  const auto read_count = [&](std::string_view key, std::optional<uint32_t>& member, uint64_t most) {
    if (const auto found = fields.take(key))
      if (const auto number = number_or_none(*found, most)) member = static_cast<uint32_t>(*number);
  };
  if (const auto found = fields.take("head_size"))
    if (const auto size = found->size(kibi, mebi)) limits.head_size = *size;
  if (const auto found = fields.take("target_size"))
    if (const auto size = found->size(256, mebi)) limits.target_size = *size;
  if (const auto found = fields.take("header_fields"))
    if (const auto number = found->number(1, 10'000)) limits.header_fields = static_cast<uint32_t>(*number);
  read_count("requests_per_connection", limits.requests_per_connection, 1'000'000'000);
  read_count("connections_per_client", limits.connections_per_client, 10'000'000);
  durations.read("tls_handshake_timeout", limits.tls_handshake_timeout, hours(1));
  durations.read("request_head_timeout", limits.request_head_timeout, hours(1));
  durations.read("keepalive_timeout", limits.keepalive_timeout, hours(24));
  take_transfer_limits(fields, limits.transfer);
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
  return value.size(1, std::numeric_limits<int64_t>::max(), "none");
}

void decode_limits(const Value& value, LimitsDocument& limits) {
  const Fields fields(value);
  take_listener_limits(fields, limits.listener);
  if (const auto found = fields.take("connections")) set(limits.connections, found->number(1, 10'000'000));
  if (const auto found = fields.take("drain_timeout"))
    set(limits.drain_timeout, found->duration(milliseconds(1), hours(24)));
  if (const auto found = fields.take("tunnel_drain")) decode_tunnel_drain(*found, limits.tunnel_drain);
}

void decode_listener_limits(const Value& value, ListenerLimitsDocument& limits) {
  take_listener_limits(Fields(value), limits);
}

void decode_transfer_limits(const Value& value, TransferLimitsDocument& limits) {
  take_transfer_limits(Fields(value), limits);
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
  if (const auto output = fields.take("output")) {
    set(log.output, output->text());
    log.output_location = output->location();
    if (log.output == "stderr" || log.output == "-")
      output->refuse({"is not a place for the log: write stdout, or the name of a file (./" + log.output +
                          " for one of that name)",
                      ""});
  }
  if (const auto redact = fields.take("redact")) decode_redact(*redact, log);
}

}  // namespace postern::config
