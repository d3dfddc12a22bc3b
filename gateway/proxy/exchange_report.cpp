#include "proxy/exchange_report.h"

#include <utility>

#include "base/error.h"
#include "http/escapes.h"
#include "proxy/exchange_state.h"
#include "proxy/token_log.h"

namespace postern::proxy {

using base::Cause;
using base::Stage;
using http::FieldId;

namespace {

constexpr size_t detail_max = 300;  // bytes, for one attempt

}  // namespace

telemetry::RouteSeries& series_of(const ExchangeState& exchange) {
  if (!exchange.route) return exchange.services.metrics.unrouted;
  const auto place = exchange.route - exchange.snapshot().routes.routes().data();
  return *exchange.pin->series.routes[static_cast<size_t>(place)];
}

std::string in_milliseconds(base::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

void ExchangeReport::remember_attempt(const Attempt& attempt, const base::Result<void>& sent) {
  if (failed_tries_.size() == failed_tries_max) return;
  FailedTry failed;
  failed.number = attempts;
  failed.endpoint = attempt.endpoint;
  failed.cause = sent ? "status " + std::to_string(attempt.head.status)
                      : std::string(base::traits(sent.error().cause).label);
  if (!sent) failed.detail = detail.substr(0, detail_max);
  const std::string prefix = attempt.endpoint->text + ": ";
  if (failed.detail.starts_with(prefix)) failed.detail.erase(0, prefix.size());
  failed_tries_.push_back(std::move(failed));
}

void ExchangeReport::tell_all_attempts() {
  if (!failed_tries_.empty() && failed_tries_.back().number == attempts) failed_tries_.pop_back();
  if (failed_tries_.empty()) return;
  std::string all;
  for (const FailedTry& failed : failed_tries_) {
    const std::string one =
        failed.endpoint->text + ": " + (failed.detail.empty() ? failed.cause : failed.detail);
    // A held request often fails at the same endpoint in the same way.
    if (all.find(one) == all.npos && !detail.starts_with(one)) all.append(one).append("; ");
  }
  if (all.empty()) return;
  if (endpoint && !detail.starts_with(endpoint->text)) all.append(endpoint->text).append(": ");
  detail.insert(0, all);
}

std::vector<telemetry::FailedAttempt> ExchangeReport::failed_attempts() const {
  std::vector<telemetry::FailedAttempt> attempts_that_failed;
  for (const FailedTry& failed : failed_tries_)
    attempts_that_failed.push_back({failed.endpoint->text, failed.cause, failed.detail});
  return attempts_that_failed;
}

std::string logged(const ExchangeState& exchange, std::string_view target) {
  if (target.find_first_of("?;") == std::string_view::npos) return std::string(target);
  const std::vector<std::string>& names = exchange.snapshot().redacted_parameters;
  const auto& context = exchange.context;
  if (!context || context->token_query_parameter.empty()) return http::redact_target(target, names);
  std::vector<std::string> more = names;
  more.emplace_back(context->token_query_parameter);
  return http::redact_target(target, more);
}

std::string client_pace_detail(const ExchangeState& exchange, base::Error error) {
  const routing::TransferLimits limits = exchange.limits();
  const bool of_request = error.stage == Stage::request_body;
  if (error.cause == Cause::client_timed_out && of_request &&
      exchange.since(exchange.started) >= limits.request)
    return "the request is not whole after " + in_milliseconds(limits.request);
  if (error.cause == Cause::client_timed_out)
    return (of_request ? "no byte of the body came for " : "no byte of the body was taken for ") +
           in_milliseconds(limits.idle);
  if (error.cause == Cause::client_too_slow)
    return "fewer than " + std::to_string(of_request ? limits.request_rate : limits.response_rate) +
           " bytes of the body in a second";
  return {};
}

void count_exchange(const ExchangeState& exchange) {
  telemetry::Metrics& metrics = exchange.services.metrics;
  const ExchangeReport& report = exchange.report;
  if (report.failure) metrics.failures.add(*report.failure);
  const uint16_t status = report.refused_socket ? report.refused_socket->status : report.status;
  series_of(exchange).exchange(status, exchange.since(exchange.started), report.request_bytes,
                               report.response_bytes);
}

void tell_reported(ExchangeState& exchange) {
  if (!exchange.context || exchange.context->reported.empty()) return;
  const std::string target = logged(exchange, exchange.facts.original_target);
  for (const policy::ReportedRefusal& reported : std::exchange(exchange.context->reported, {})) {
    series_of(exchange).would_refuse(reported.rule);
    exchange.services.access_log.would_refuse({.rule = reported.rule,
                                               .cause = reported.cause,
                                               .detail = reported.detail,
                                               .request_id = exchange.facts.request_id,
                                               .client = exchange.facts.client.address_text,
                                               .method = exchange.stream.request().method_text,
                                               .host = exchange.facts.client.authority,
                                               .target = target,
                                               .route = exchange.route->name},
                                              exchange.services.turn.now);
  }
}

void log_exchange(const ExchangeState& exchange, LogLine line,
                  const std::optional<telemetry::StreamRecord>& stream) {
  const http::RequestHead& request = exchange.stream.request();
  const RequestFacts& facts = exchange.facts;
  const ExchangeReport& report = exchange.report;
  const std::string target = logged(exchange, facts.original_target);
  const std::string rewritten = logged(exchange, report.rewritten_target);
  telemetry::ExchangeRecord record;
  record.request_id = facts.request_id;
  record.client = facts.client.address_text;
  record.method = request.method_text;
  record.host = facts.client.authority;
  record.target = target;
  record.rewritten = rewritten;
  record.version = request.version == http::Version::http1_0 ? "1.0" : "1.1";
  if (exchange.route) record.route = exchange.route->name;
  if (report.group) record.upstream = report.group->name;
  if (report.endpoint) record.endpoint = report.endpoint->text;
  record.user_agent = request.headers.get(FieldId::user_agent);
  const LoggedToken token(exchange);
  record.token = token.record();
  const LoggedCertificate certificate(exchange);
  record.certificate = certificate.record();
  record.attempts = report.attempts;
  const std::vector<telemetry::FailedAttempt> failed_attempts = report.failed_attempts();
  record.failed_attempts = failed_attempts;
  record.status = report.status;
  record.refused_socket = report.refused_socket;
  if (report.refused_socket) record.refused_socket->detail = report.detail;
  record.tls = facts.client.tls;
  record.request_bytes = report.request_bytes;
  record.response_bytes = report.response_bytes;
  record.duration = exchange.since(exchange.started);
  record.stages = report.stages;
  if (report.failure) record.failure = telemetry::Failure{*report.failure, report.detail, report.offending};
  record.stream = stream;
  (exchange.services.access_log.*line)(record);
}

}  // namespace postern::proxy
