#include "config/compile_resilience.h"

namespace postern::config {
namespace {

upstream::Condition condition_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::connect: return upstream::Condition::connect;
    case FailureKind::reset: return upstream::Condition::reset;
    case FailureKind::timeout: return upstream::Condition::timeout;
    case FailureKind::invalid_response: return upstream::Condition::invalid_response;
  }
  return upstream::Condition::connect;
}

upstream::Conditions conditions_of(const FailureList& failures) {
  upstream::Conditions conditions;
  for (const FailureKind kind : failures.kinds) conditions.add(condition_of(kind));
  for (const uint16_t status : failures.statuses) conditions.add_status(status);
  return conditions;
}

upstream::HealthModel model_of(const HealthDocument& document) {
  upstream::HealthModel model;
  model.tcp = document.tcp;
  model.path = document.path;
  model.method = document.method;
  // An IPv6 literal stands in brackets in a Host field.
  model.host = document.host.find(':') == std::string::npos ? document.host : '[' + document.host + ']';
  model.statuses.clear();
  for (const auto& [first, last] : document.statuses) model.statuses.push_back({first, last});
  model.interval = document.interval;
  model.timeout = document.timeout;
  model.healthy = document.healthy;
  model.unhealthy = document.unhealthy;
  model.starts_down = document.starts_down;
  return model;
}

}  // namespace

void compile_resilience(const UpstreamDocument& document, upstream::GroupModel& model) {
  model.retries.attempts = document.retries.attempts;
  model.retries.on = conditions_of(document.retries.on);
  model.retries.non_idempotent = document.retries.non_idempotent;
  model.retries.body_size = document.retries.body_size;
  model.retries.budget.percent = document.retries.budget_percent;
  model.retries.budget.per_second = document.retries.budget_minimum;
  model.eject.enabled = document.eject.enabled;
  model.eject.failures = document.eject.failures;
  model.eject.within = document.eject.within;
  model.eject.time = document.eject.time;
  model.eject.longest = document.eject.max;
  model.eject.on = conditions_of(document.eject.on);
  if (document.health) model.health = model_of(*document.health);
  if (document.hold)
    model.hold = upstream::HoldModel{document.hold->time, document.hold->page_time, document.hold->requests};
}

}  // namespace postern::config
