// What an exchange reports besides its answer: the attempts before the last one, and deviations of endpoints'
// responses from HTTP.
#include "base/error.h"
#include "proxy/exchange.h"
#include "telemetry/finding.h"

namespace postern::proxy {

namespace {

constexpr size_t detail_max = 300;  // for one attempt

}  // namespace

void Exchange::remember_attempt(const Attempt& attempt, const base::Result<void>& sent) {
  if (failed_tries_.size() == failed_tries_max) return;
  FailedTry failed;
  failed.number = attempts_;
  failed.endpoint = attempt.endpoint;
  failed.cause = sent ? "status " + std::to_string(attempt.head.status)
                      : std::string(base::traits(sent.error().cause).label);
  if (!sent) failed.detail = detail_.substr(0, detail_max);
  const std::string endpoint = attempt.endpoint->text + ": ";
  if (failed.detail.starts_with(endpoint)) failed.detail.erase(0, endpoint.size());
  failed_tries_.push_back(std::move(failed));
}

// Called when the request fails: adds to its detail where each attempt went and why it failed.
void Exchange::tell_all_attempts() {
  if (!failed_tries_.empty() && failed_tries_.back().number == attempts_) failed_tries_.pop_back();
  if (failed_tries_.empty()) return;
  std::string all;
  for (const FailedTry& failed : failed_tries_) {
    const std::string one =
        failed.endpoint->text + ": " + (failed.detail.empty() ? failed.cause : failed.detail);
    // A held request often fails at the same endpoint in the same way.
    if (all.find(one) == all.npos && !detail_.starts_with(one)) all.append(one).append("; ");
  }
  if (all.empty()) return;
  if (endpoint_ && !detail_.starts_with(endpoint_->text)) all.append(endpoint_->text).append(": ");
  detail_.insert(0, all);
}

void Exchange::note_deviations(http::UpstreamStream& from) const {
  for (const http::SeenDeviation& seen : from.take_deviations()) {
    const telemetry::EndpointCount count = telemetry::row_of(seen.kind).count;
    telemetry::EndpointSeries& series =
        *upstream_series().endpoints[static_cast<size_t>(endpoint_ - group_->endpoints.data())];
    series.add(count);
    // All are counted, but a worker logs only the first of each kind per endpoint.
    if (series[count] > 1) continue;
    services_.access_log.deviation({.deviation = seen.kind,
                                    .request_id = request_id_,
                                    .upstream = group_->name,
                                    .endpoint = endpoint_->text,
                                    .offending = seen.bytes});
  }
}

}  // namespace postern::proxy
