#include "proxy/retry.h"

#include "base/error.h"
#include "proxy/attempt.h"

namespace postern::proxy {
namespace {

bool may_repeat(const AttemptFacts& facts, http::Method method, const upstream::RetryModel& rules) {
  return !facts.body_consumed && !facts.informed && proxy::may_repeat(method, rules);
}

}  // namespace

RetryState::RetryState() : last{base::Cause::no_endpoint, base::Stage::connect} {}

bool may_repeat(http::Method method, const upstream::RetryModel& rules) {
  return http::is_idempotent(method) || (rules.non_idempotent && method != http::Method::other);
}

bool may_retry(base::Cause cause, const AttemptFacts& facts, http::Method method,
               const upstream::RetryModel& rules) {
  // A connect that failed because this process lacked a resource says nothing about the endpoint; another
  // endpoint may not need that resource.
  if (cause == base::Cause::overloaded && !facts.sent) return rules.on.has(upstream::Condition::connect);
  const auto condition = upstream::condition_of(cause, facts.sent);
  if (!condition || !rules.on.has(*condition)) return false;
  if (!facts.sent) return base::traits(cause).retry != base::Retry::never;
  // A response that broke off had begun to answer; bytes that are not HTTP are not an answer.
  if (facts.response_begun && *condition != upstream::Condition::invalid_response) return false;
  return may_repeat(facts, method, rules);
}

bool may_retry_status(uint16_t status, const AttemptFacts& facts, http::Method method,
                      const upstream::RetryModel& rules) {
  return rules.on.has_status(status) && may_repeat(facts, method, rules);
}

}  // namespace postern::proxy
