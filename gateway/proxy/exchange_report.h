// What an exchange has learned about its own course: it grows until the exchange is over, and then becomes
// the line of the access log and the numbers of the metrics.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error_fwd.h"
#include "base/result.h"
#include "http/fault.h"
#include "proxy/attempt.h"
#include "telemetry/access_log.h"
#include "upstream/group_model.h"

namespace postern::proxy {

struct ExchangeState;

struct ExchangeReport {
  std::string_view rewritten_target{};  // sent to the endpoint, if the route's rewriting changed the target
  const upstream::GroupModel* group = nullptr;        // null: the request was not for an upstream
  const upstream::EndpointModel* endpoint = nullptr;  // the last one that was tried
  uint32_t attempts = 0;
  telemetry::ExchangeStages stages;
  std::optional<base::Error> failure;
  std::string detail;     // of the failure, or of a refused socket
  std::string offending;  // the malformed bytes, for the log
  uint16_t status = 0;
  std::optional<telemetry::RefusedSocket> refused_socket;  // by a Close frame
  uint64_t request_bytes = 0;                              // of the bodies
  uint64_t response_bytes = 0;

  // The error of a failure that `detail` describes.
  base::Error failed(base::Cause cause, base::Stage stage, std::string_view the_detail) {
    detail = the_detail;
    return base::Error{cause, stage};
  }
  void note_fault(const http::Fault& fault) {
    detail = fault.detail;
    offending = fault.bytes;
  }
  // Appends to what the detail says already.
  void add_detail(std::string_view more) { detail.append(detail.empty() ? "" : "; ").append(more); }

  // Keeps an attempt that was followed by another one, or would have been.
  void remember_attempt(const Attempt& attempt, const base::Result<void>& sent);
  // Called when the request fails: adds to its detail where each attempt went and why it failed.
  void tell_all_attempts();
  std::vector<telemetry::FailedAttempt> failed_attempts() const;

 private:
  struct FailedTry {
    uint32_t number = 0;
    const upstream::EndpointModel* endpoint = nullptr;
    std::string cause;  // the label of a base::Cause, or a status
    std::string detail;
  };
  static constexpr size_t failed_tries_max = 8;
  std::vector<FailedTry> failed_tries_;
};

// The numbers of the exchange's route.
telemetry::RouteSeries& series_of(const ExchangeState& exchange);

// Logs and counts what rules that report only would have refused, and has not been told yet.
void tell_reported(ExchangeState& exchange);

// Called once, at the end.
void count_exchange(const ExchangeState& exchange);

// Writes one line about an exchange. `stream` is set for a long answer.
using LogLine = void (telemetry::AccessLog::*)(const telemetry::ExchangeRecord&);
void log_exchange(const ExchangeState& exchange, LogLine line,
                  const std::optional<telemetry::StreamRecord>& stream);

// A target as the log may show it: without the values of secret parameters.
std::string logged(const ExchangeState& exchange, std::string_view target);

std::string in_milliseconds(base::Duration duration);

// A sentence for a failure that the client's pace caused; empty for other causes.
std::string client_pace_detail(const ExchangeState& exchange, base::Error error);

}  // namespace postern::proxy
