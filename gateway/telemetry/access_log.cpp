#include "telemetry/access_log.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

#include "base/error.h"
#include "telemetry/finding.h"

namespace postern::telemetry {
namespace {

using base::Duration;
using base::Severity;
using base::TextBuilder;

constexpr int millisecond_decimals = 3;

Severity level_of(const ExchangeRecord& record) {
  return record.failure ? base::traits(record.failure->error.cause).severity : Severity::info;
}

void append_milliseconds(TextBuilder& out, Duration duration) {
  out.append_fixed(base::milliseconds_of(duration), millisecond_decimals);
}

// Cuts a text that is too long for a line and appends its full length.
std::string cut(std::string_view value) {
  constexpr size_t continuation_max = 3;  // bytes of a UTF-8 character after its first
  size_t size = logged_text_max;
  while (logged_text_max - size <= continuation_max &&
         (static_cast<unsigned char>(value[size]) & 0xc0) == 0x80)
    --size;
  if (logged_text_max - size > continuation_max) size = logged_text_max;  // no character at all
  return std::string(value.substr(0, size)) + "... (" + std::to_string(value.size()) + " bytes)";
}

// JSON format. Every key includes the comma before it and the colon after it: `,"host":`.

void append_json_text(TextBuilder& out, std::string_view key, std::string_view value) {
  out.append(key);
  if (value.empty())
    out.append("null");
  else if (value.size() > logged_text_max)
    out.append_json_string(cut(value));
  else
    out.append_json_string(value);
}

void append_json_rewritten(TextBuilder& out, std::string_view rewritten) {
  if (!rewritten.empty()) append_json_text(out, R"(,"rewritten":)", rewritten);
}

// The names under which the parts of a record are logged.
template <class Record>
struct Part {
  std::string_view name;
  std::string_view Record::*text;
};
constexpr auto token_parts = std::to_array<Part<TokenRecord>>({{"provider", &TokenRecord::provider},
                                                               {"sub", &TokenRecord::subject},
                                                               {"sub_hash", &TokenRecord::subject_hash},
                                                               {"jti", &TokenRecord::id},
                                                               {"rule", &TokenRecord::rule}});
constexpr auto certificate_parts =
    std::to_array<Part<CertificateRecord>>({{"subject", &CertificateRecord::subject},
                                            {"san", &CertificateRecord::alternative_names},
                                            {"serial", &CertificateRecord::serial},
                                            {"fingerprint", &CertificateRecord::fingerprint}});

// An object of the parts that are not empty; nothing if all are.
template <class Record, size_t count>
void append_json_parts(TextBuilder& out, std::string_view key, const Record& record,
                       const std::array<Part<Record>, count>& parts) {
  bool is_first = true;
  for (const Part<Record>& part : parts) {
    if ((record.*part.text).empty()) continue;
    out.append(is_first ? key : ",").append_json_string(part.name);
    append_json_text(out, ":", record.*part.text);
    is_first = false;
  }
  if (!is_first) out.append('}');
}

// Who the client is, by what it has shown.
template <class Record>
void append_json_credentials(TextBuilder& out, const Record& record) {
  append_json_parts(out, R"(,"token":{)", record.token, token_parts);
  append_json_parts(out, R"(,"client_certificate":{)", record.certificate, certificate_parts);
}

void append_json_stages(TextBuilder& out, const ExchangeStages& stages) {
  std::string_view separator = "";
  const auto append_stage = [&](std::string_view key, const std::optional<Duration>& duration) {
    if (!duration) return;
    append_milliseconds(out.append(separator).append(key), *duration);
    separator = ",";
  };
  out.append(R"(,"stages":{)");
  append_stage(R"("policy_ms":)", stages.policy);
  append_stage(R"("held_ms":)", stages.held);
  append_stage(R"("connect_ms":)", stages.connect);
  append_stage(R"("response_head_ms":)", stages.response_head);
  append_stage(R"("body_ms":)", stages.body);
  out.append('}');
}

void append_json_failure(TextBuilder& out, const std::optional<Failure>& failure) {
  if (!failure) {
    out.append(R"(,"cause":null)");
    return;
  }
  const base::ErrorTraits& traits = base::traits(failure->error.cause);
  append_json_text(out, R"(,"cause":)", traits.label);
  append_json_text(out, R"(,"stage":)", base::label(failure->error.stage));
  append_json_text(out, R"(,"fault":)", base::label(traits.fault));
  append_json_text(out, R"(,"detail":)", failure->detail);
  if (!failure->offending.empty()) append_json_text(out, R"(,"offending":)", failure->offending);
  append_json_text(out, R"(,"remedy":)", traits.remedy);
}

void append_json_stream(TextBuilder& out, const StreamRecord& stream) {
  append_json_text(out, R"(,"by":)", base::label(stream.by));
  append_json_text(out, R"(,"meaning":)", stream.meaning);
  out.append(stream.of_events ? R"(,"kind":"events")" : R"(,"kind":"answer")");
  if (stream.of_events) {
    out.append(R"(,"events":)").append_number(stream.events);
    out.append(R"(,"comments":)").append_number(stream.comments);
    append_milliseconds(out.append(R"(,"upstream_quiet_ms":)"), stream.upstream_quiet);
  }
}

void append_json_attempts(TextBuilder& out, std::span<const FailedAttempt> failed) {
  if (failed.empty()) return;
  std::string_view separator = "";
  out.append(R"(,"failed_attempts":[)");
  for (const FailedAttempt& attempt : failed) {
    append_json_text(out.append(separator), R"({"endpoint":)", attempt.endpoint);
    append_json_text(out, R"(,"cause":)", attempt.cause);
    append_json_text(out, R"(,"detail":)", attempt.detail);
    out.append('}');
    separator = ",";
  }
  out.append(']');
}

void append_json_exchange(TextBuilder& out, const ExchangeRecord& record) {
  append_json_text(out, R"(,"request_id":)", record.request_id);
  append_json_text(out, R"(,"client":)", record.client);
  append_json_text(out, R"(,"method":)", record.method);
  append_json_text(out, R"(,"host":)", record.host);
  append_json_text(out, R"(,"target":)", record.target);
  append_json_rewritten(out, record.rewritten);
  append_json_text(out, R"(,"version":)", record.version);
  append_json_text(out, R"(,"route":)", record.route);
  append_json_text(out, R"(,"upstream":)", record.upstream);
  append_json_text(out, R"(,"endpoint":)", record.endpoint);
  out.append(R"(,"attempts":)").append_number(record.attempts);
  append_json_attempts(out, record.failed_attempts);
  out.append(R"(,"status":)").append_number(record.status);
  out.append(R"(,"request_bytes":)").append_number(record.request_bytes);
  out.append(R"(,"response_bytes":)").append_number(record.response_bytes);
  append_milliseconds(out.append(R"(,"duration_ms":)"), record.duration);
  append_json_stages(out, record.stages);
  out.append(record.tls ? R"(,"tls":true)" : R"(,"tls":false)");
  append_json_text(out, R"(,"user_agent":)", record.user_agent);
  append_json_credentials(out, record);
  if (record.stream) append_json_stream(out, *record.stream);
  append_json_failure(out, record.failure);
  if (record.refused_socket) {
    const RefusedSocket& refusal = *record.refused_socket;
    if (!record.failure) append_json_text(out, R"(,"detail":)", refusal.detail);
    out.append(R"(,"close_code":)").append_number(refusal.close_code);
    out.append(R"(,"refused_status":)").append_number(refusal.status);
  }
  out.append("}\n");
}

void append_json_tunnel(TextBuilder& out, const TunnelRecord& record) {
  append_json_text(out, R"(,"request_id":)", record.request_id);
  append_json_text(out, R"(,"client":)", record.client);
  append_json_text(out, R"(,"host":)", record.host);
  append_json_text(out, R"(,"target":)", record.target);
  append_json_rewritten(out, record.rewritten);
  append_json_text(out, R"(,"route":)", record.route);
  append_json_text(out, R"(,"upstream":)", record.upstream);
  append_json_text(out, R"(,"endpoint":)", record.endpoint);
  append_json_text(out, R"(,"subprotocol":)", record.subprotocol);
  append_json_credentials(out, record);
}

// Text format. Every key includes the space before it and the sign after it: ` route=`.

void append_text(TextBuilder& out, std::string_view key, std::string_view value) {
  out.append(key);
  if (value.empty())
    out.append('-');
  else if (value.size() > logged_text_max)
    out.append_word(cut(value));
  else
    out.append_word(value);
}

// Pads the value to at least `width` columns.
void append_column(TextBuilder& out, std::string_view value, size_t width) {
  const size_t begin = out.size();
  append_text(out, " ", value);
  const size_t used = out.size() - begin - 1;
  out.append(width - std::min(width, used), ' ');
}

// Events that are neither requests nor sockets.

struct EventField {
  std::string_view name;
  std::string_view text{};
  std::optional<uint64_t> number{};  // in place of the text
};
using EventFields = std::initializer_list<EventField>;

// The fields in their order, and the id of the request behind them.
void append_event(TextBuilder& out, LogFormat format, WallTime time, Severity level, std::string_view event,
                  EventFields fields, std::string_view request_id) {
  begin_line(out, format, time, level, event);
  const bool is_json = format == LogFormat::json;
  for (const auto& [name, text, number] : fields) {
    std::string key = is_json ? ",\"" : " ";
    key.append(name).append(is_json ? "\":" : "=");
    if (number)
      out.append(key).append_number(*number);
    else if (is_json)
      append_json_text(out, key, text);
    else
      append_text(out, key, text);
  }
  if (is_json) {
    append_json_text(out, R"(,"request_id":)", request_id);
    out.append("}\n");
    return;
  }
  append_text(out, " id=", request_id);
  out.append('\n');
}

void append_text_duration(TextBuilder& out, Duration duration) {
  append_milliseconds(out, duration);
  out.append("ms");
}

void append_text_rewritten(TextBuilder& out, std::string_view rewritten) {
  if (!rewritten.empty()) append_text(out, " rewritten=", rewritten);
}

template <class Record, size_t count>
void append_text_parts(TextBuilder& out, std::string_view key, const Record& record,
                       const std::array<Part<Record>, count>& parts) {
  for (const Part<Record>& part : parts)
    if (!(record.*part.text).empty()) append_text(out.append(key).append(part.name), "=", record.*part.text);
}

template <class Record>
void append_text_credentials(TextBuilder& out, const Record& record) {
  append_text_parts(out, " token_", record.token, token_parts);
  append_text_parts(out, " client_certificate_", record.certificate, certificate_parts);
}

void append_text_stages(TextBuilder& out, const ExchangeStages& stages) {
  const auto append_stage = [&](std::string_view key, const std::optional<Duration>& duration) {
    if (duration) append_text_duration(out.append(key), *duration);
  };
  append_stage(" policy=", stages.policy);
  append_stage(" held=", stages.held);
  append_stage(" connect=", stages.connect);
  append_stage(" response_head=", stages.response_head);
  append_stage(" body=", stages.body);
}

void append_text_stream(TextBuilder& out, const StreamRecord& stream) {
  append_text(out, " by=", base::label(stream.by));
  append_text(out, " meaning=", stream.meaning);
  if (!stream.of_events) return;
  out.append(" events=").append_number(stream.events);
  out.append(" comments=").append_number(stream.comments);
  append_text_duration(out.append(" upstream_quiet="), stream.upstream_quiet);
}

void append_text_exchange(TextBuilder& out, const ExchangeRecord& record) {
  constexpr size_t method_width = 7;  // the length of OPTIONS
  // Keeps the status in the same column as in the lines of tunnels.
  out.append(record.stream ? " " : "     ").append_zero_filled(record.status, 3);
  append_column(out, record.method, method_width);
  append_text(out, " ", record.host);
  append_text(out, " ", record.target);
  append_text_duration(out.append(' '), record.duration);
  append_text_rewritten(out, record.rewritten);
  append_text(out, " client=", record.client);
  append_text(out, " route=", record.route);
  append_text(out, " upstream=", record.upstream);
  append_text(out, " endpoint=", record.endpoint);
  out.append(" attempts=").append_number(record.attempts);
  for (const FailedAttempt& attempt : record.failed_attempts) {
    append_text(out, " failed_endpoint=", attempt.endpoint);
    append_text(out, " failed_cause=", attempt.cause);
    append_text(out, " failed_detail=", attempt.detail);
  }
  out.append(" in=").append_number(record.request_bytes);
  out.append(" out=").append_number(record.response_bytes);
  append_text_stages(out, record.stages);
  append_text(out, " version=", record.version);
  out.append(record.tls ? " tls=true" : " tls=false");
  append_text(out, " id=", record.request_id);
  append_text(out, " agent=", record.user_agent);
  append_text_credentials(out, record);
  if (record.stream) append_text_stream(out, *record.stream);
  if (record.failure) {
    const base::ErrorTraits& traits = base::traits(record.failure->error.cause);
    append_text(out, " cause=", traits.label);
    append_text(out, " stage=", base::label(record.failure->error.stage));
    append_text(out, " fault=", base::label(traits.fault));
    append_text(out, " detail=", record.failure->detail);
    if (!record.failure->offending.empty()) append_text(out, " offending=", record.failure->offending);
    append_text(out, " remedy=", traits.remedy);
  }
  if (record.refused_socket) {
    const RefusedSocket& refusal = *record.refused_socket;
    if (!record.failure) append_text(out, " detail=", refusal.detail);
    out.append(" close_code=").append_number(refusal.close_code);
    out.append(" refused_status=").append_number(refusal.status);
  }
  out.append('\n');
}

void append_text_tunnel(TextBuilder& out, const TunnelRecord& record, Duration duration) {
  append_text(out, " ", record.host);
  append_text(out, " ", record.target);
  append_text_duration(out.append(' '), duration);
  append_text_rewritten(out, record.rewritten);
  append_text(out, " client=", record.client);
  append_text(out, " route=", record.route);
  append_text(out, " upstream=", record.upstream);
  append_text(out, " endpoint=", record.endpoint);
  append_text(out, " subprotocol=", record.subprotocol);
  append_text_credentials(out, record);
}

}  // namespace

void append_exchange(TextBuilder& out, LogFormat format, WallTime time, const ExchangeRecord& record) {
  begin_line(out, format, time, level_of(record), record.stream ? "stream_close" : "exchange");
  if (format == LogFormat::json)
    append_json_exchange(out, record);
  else
    append_text_exchange(out, record);
}

void append_stream_open(TextBuilder& out, LogFormat format, WallTime time, const ExchangeRecord& record) {
  begin_line(out, format, time, Severity::info, "stream_open");
  if (format == LogFormat::json) {
    append_json_text(out, R"(,"request_id":)", record.request_id);
    append_json_text(out, R"(,"client":)", record.client);
    append_json_text(out, R"(,"method":)", record.method);
    append_json_text(out, R"(,"host":)", record.host);
    append_json_text(out, R"(,"target":)", record.target);
    append_json_rewritten(out, record.rewritten);
    append_json_text(out, R"(,"route":)", record.route);
    append_json_text(out, R"(,"upstream":)", record.upstream);
    append_json_text(out, R"(,"endpoint":)", record.endpoint);
    out.append(R"(,"status":)").append_number(record.status);
    out.append(record.stream->of_events ? R"(,"kind":"events")" : R"(,"kind":"answer")");
    append_milliseconds(out.append(R"(,"duration_ms":)"), record.duration);
    append_json_credentials(out, record);
    out.append("}\n");
    return;
  }
  constexpr size_t method_width = 7;  // the length of OPTIONS
  out.append("  ").append_zero_filled(record.status, 3);
  append_column(out, record.method, method_width);
  append_text(out, " ", record.host);
  append_text(out, " ", record.target);
  append_text_duration(out.append(' '), record.duration);
  append_text_rewritten(out, record.rewritten);
  append_text(out, " client=", record.client);
  append_text(out, " route=", record.route);
  append_text(out, " upstream=", record.upstream);
  append_text(out, " endpoint=", record.endpoint);
  append_text(out, " id=", record.request_id);
  append_text_credentials(out, record);
  out.append('\n');
}

void append_tunnel_open(TextBuilder& out, LogFormat format, WallTime time, const TunnelRecord& record) {
  begin_line(out, format, time, Severity::info, "tunnel_open");
  if (format == LogFormat::json) {
    append_json_tunnel(out, record);
    append_milliseconds(out.append(R"(,"duration_ms":)"), record.handshake_duration);
    if (record.held_duration) append_milliseconds(out.append(R"(,"held_ms":)"), *record.held_duration);
    out.append("}\n");
    return;
  }
  append_text_tunnel(out.append("  101 WS     "), record, record.handshake_duration);
  if (record.held_duration) append_text_duration(out.append(" held="), *record.held_duration);
  append_text(out, " id=", record.request_id);
  out.append('\n');
}

void append_tunnel_close(TextBuilder& out, LogFormat format, WallTime time, const TunnelRecord& record,
                         const TunnelEnd& end) {
  const base::ErrorTraits* traits = end.failure ? &base::traits(end.failure->cause) : nullptr;
  begin_line(out, format, time, traits ? traits->severity : Severity::info, "tunnel_close");
  if (format == LogFormat::json) {
    append_json_tunnel(out, record);
    append_json_text(out, R"(,"by":)", base::label(end.by));
    append_json_text(out, R"(,"cause":)", end.cause);
    if (end.failure) {
      append_json_text(out, R"(,"stage":)", base::label(end.failure->stage));
      append_json_text(out, R"(,"fault":)", base::label(traits->fault));
      append_json_text(out, R"(,"remedy":)", traits->remedy);
    }
    append_json_text(out, R"(,"meaning":)", end.meaning);
    out.append(R"(,"close_code":)").append_number(end.close_code);
    append_json_text(out, R"(,"close_reason":)", end.close_reason);
    append_json_text(out, R"(,"rule":)", end.rule);
    out.append(R"(,"messages_to_client":)").append_number(end.messages_to_client);
    out.append(R"(,"messages_to_upstream":)").append_number(end.messages_to_upstream);
    out.append(R"(,"messages_dropped":)").append_number(end.messages_dropped);
    append_milliseconds(out.append(R"(,"client_quiet_ms":)"), end.client_quiet);
    append_milliseconds(out.append(R"(,"upstream_quiet_ms":)"), end.upstream_quiet);
    out.append(R"(,"bytes_to_client":)").append_number(end.bytes_to_client);
    out.append(R"(,"bytes_to_upstream":)").append_number(end.bytes_to_upstream);
    append_milliseconds(out.append(R"(,"duration_ms":)"), end.duration);
    out.append("}\n");
    return;
  }
  append_text_tunnel(out.append(" 101 WS     "), record, end.duration);
  append_text(out, " by=", base::label(end.by));
  append_text(out, " cause=", end.cause);
  append_text(out, " meaning=", end.meaning);
  if (traits) append_text(out, " remedy=", traits->remedy);
  out.append(" close_code=").append_number(end.close_code);
  append_text(out, " close_reason=", end.close_reason);
  if (!end.rule.empty()) append_text(out, " rule=", end.rule);
  out.append(" to_client=").append_number(end.bytes_to_client);
  out.append(" to_upstream=").append_number(end.bytes_to_upstream);
  out.append(" messages_to_client=").append_number(end.messages_to_client);
  out.append(" messages_to_upstream=").append_number(end.messages_to_upstream);
  if (end.messages_dropped > 0) out.append(" messages_dropped=").append_number(end.messages_dropped);
  append_text_duration(out.append(" client_quiet="), end.client_quiet);
  append_text_duration(out.append(" upstream_quiet="), end.upstream_quiet);
  append_text(out, " id=", record.request_id);
  out.append('\n');
}

void append_silent_route(TextBuilder& out, LogFormat format, WallTime time, std::string_view route,
                         uint32_t sockets, base::Duration quiet) {
  begin_line(out, format, time, Severity::warn, silent_route.label);
  if (format == LogFormat::json) {
    append_json_text(out, R"(,"route":)", route);
    out.append(R"(,"sockets":)").append_number(sockets);
    append_milliseconds(out.append(R"(,"quiet_ms":)"), quiet);
    append_json_text(out, R"(,"meaning":)", silent_route.meaning);
    append_json_text(out, R"(,"remedy":)", silent_route.remedy);
    out.append("}\n");
    return;
  }
  append_text(out, " route=", route);
  out.append(" sockets=").append_number(sockets);
  append_text_duration(out.append(" quiet="), quiet);
  append_text(out, " meaning=", silent_route.meaning);
  append_text(out, " remedy=", silent_route.remedy);
  out.append('\n');
}

void append_deviation(TextBuilder& out, LogFormat format, WallTime time, const DeviationRecord& record) {
  const Finding& finding = row_of(record.deviation).finding;
  append_event(out, format, time, Severity::warn, "response_deviation",
               {{"finding", finding.label},
                {"upstream", record.upstream},
                {"endpoint", record.endpoint},
                {"offending", record.offending},
                {"meaning", finding.meaning},
                {"remedy", finding.remedy}},
               record.request_id);
}

void append_would_refuse(TextBuilder& out, LogFormat format, WallTime time, const WouldRefuseRecord& record,
                         uint64_t events) {
  const base::ErrorTraits& traits = base::traits(record.cause);
  append_event(out, format, time, Severity::warn, "would_refuse",
               {{"rule", label(record.rule)},
                {"route", record.route},
                {"client", record.client},
                {"method", record.method},
                {"host", record.host},
                {"target", record.target},
                {"cause", traits.label},
                {"detail", record.detail},
                {"remedy", traits.remedy},
                {"events", {}, events}},
               record.request_id);
}

void append_logout(TextBuilder& out, LogFormat format, WallTime time, const LogoutRecord& record) {
  using Outcome = LogoutRecord::Outcome;
  const base::ErrorTraits& full = base::traits(base::Cause::revocations_full);
  const Finding finding = record.outcome == Outcome::revoked
                              ? Finding{"", "What hangs on these tokens ends, on every worker.", ""}
                          : record.outcome == Outcome::full ? Finding{full.label, full.meaning, full.remedy}
                                                            : logout_unnamed;
  const bool revoked = record.outcome == Outcome::revoked;
  const Severity level = revoked                           ? Severity::info
                         : record.outcome == Outcome::full ? Severity::error
                                                           : Severity::warn;
  append_event(out, format, time, level, revoked ? "token_revoked" : "logout_without_effect",
               {{"by", record.by},
                {"named", record.named},
                {"route", record.route},
                {"finding", finding.label},
                {"meaning", finding.meaning},
                {"remedy", finding.remedy}},
               record.request_id);
}

void append_renewal(TextBuilder& out, LogFormat format, WallTime time, const RenewalRecord& record) {
  const bool renewed = record.detail.empty();
  const Finding finding =
      renewed ? Finding{"", "What is open lives on when its older token expires.", ""} : renewal_failed;
  append_event(out, format, time, renewed ? Severity::info : Severity::warn,
               renewed ? "token_renewed" : "renewal_without_effect",
               {{"by", record.by},
                {"connections", {}, record.connections},
                {"route", record.route},
                {"detail", record.detail},
                {"finding", finding.label},
                {"meaning", finding.meaning},
                {"remedy", finding.remedy}},
               record.request_id);
}

void AccessLog::renewal(const RenewalRecord& record) {
  append_renewal(line_, format_, clock_(), record);
  send();
}

void AccessLog::logout(const LogoutRecord& record) {
  append_logout(line_, format_, clock_(), record);
  send();
}

void AccessLog::would_refuse(const WouldRefuseRecord& record, base::Instant now) {
  const std::optional<uint64_t> events = would_refuse_rate_.tell(now);
  if (!events) return;
  append_would_refuse(line_, format_, clock_(), record, *events);
  send();
}

void AccessLog::deviation(const DeviationRecord& record) {
  append_deviation(line_, format_, clock_(), record);
  send();
}

void AccessLog::silent_route(std::string_view route, uint32_t sockets, base::Duration quiet) {
  append_silent_route(line_, format_, clock_(), route, sockets, quiet);
  send();
}

void AccessLog::exchange(const ExchangeRecord& record) {
  append_exchange(line_, format_, clock_(), record);
  send();
}

void AccessLog::stream_open(const ExchangeRecord& record) {
  append_stream_open(line_, format_, clock_(), record);
  send();
}

void AccessLog::tunnel_open(const TunnelRecord& record) {
  append_tunnel_open(line_, format_, clock_(), record);
  send();
}

void AccessLog::tunnel_close(const TunnelRecord& record, const TunnelEnd& end) {
  append_tunnel_close(line_, format_, clock_(), record, end);
  send();
}

void AccessLog::send() {
  sink_.write(line_.view());
  line_.clear();
}

}  // namespace postern::telemetry
