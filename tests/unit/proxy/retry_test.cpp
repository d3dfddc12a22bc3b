#include "proxy/retry.h"
#include "base/error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

using namespace postern;
using base::Cause;
using http::Method;

namespace {

const upstream::RetryModel usual;
constexpr proxy::AttemptFacts nothing_sent{};
constexpr proxy::AttemptFacts sent{.sent = true};
constexpr proxy::AttemptFacts response_begun{.sent = true, .response_begun = true};
constexpr proxy::AttemptFacts body_consumed{.sent = true, .body_consumed = true};
constexpr proxy::AttemptFacts informed{.sent = true, .informed = true};

// An endpoint that was never reached has received nothing.
constexpr auto before_a_byte =
    std::to_array<Cause>({Cause::upstream_unresolved, Cause::upstream_refused, Cause::upstream_unreachable,
                          Cause::upstream_tls_failed, Cause::upstream_timed_out});

template <class List>
bool holds(const List& list, Cause cause) {
  return std::find(list.begin(), list.end(), cause) != list.end();
}

}  // namespace

TEST_CASE("retry: what failed before a byte was sent may be tried again with any method") {
  for (Cause cause : before_a_byte)
    for (Method method : {Method::get, Method::post, Method::patch, Method::other}) {
      CAPTURE(base::traits(cause).label);
      CHECK(proxy::may_retry(cause, nothing_sent, method, usual));
    }
}

TEST_CASE("retry: once bytes were sent only a closed connection may be tried again") {
  for (int i = 0; i < base::cause_count; ++i) {
    const auto cause = static_cast<Cause>(i);
    CAPTURE(base::traits(cause).label);
    CHECK(proxy::may_retry(cause, sent, Method::get, usual) == (cause == Cause::upstream_closed));
  }
}

TEST_CASE("retry: a closed connection is tried again for idempotent methods alone") {
  for (Method method : {Method::get, Method::head, Method::put, Method::delete_, Method::options})
    CHECK(proxy::may_retry(Cause::upstream_closed, sent, method, usual));
  for (Method method : {Method::post, Method::patch, Method::other})
    CHECK_FALSE(proxy::may_retry(Cause::upstream_closed, sent, method, usual));
}

TEST_CASE("retry: neither a begun response nor a consumed body is ever tried again") {
  for (int i = 0; i < base::cause_count; ++i) {
    const auto cause = static_cast<Cause>(i);
    CAPTURE(base::traits(cause).label);
    CHECK_FALSE(proxy::may_retry(cause, response_begun, Method::get, usual));
    CHECK_FALSE(proxy::may_retry(cause, body_consumed, Method::put, usual));
  }
}

TEST_CASE("retry: what the gateway lacked for one endpoint ends no request of which nothing was sent") {
  CHECK(proxy::may_retry(Cause::overloaded, nothing_sent, Method::get, usual));
  CHECK_FALSE(proxy::may_retry(Cause::overloaded, response_begun, Method::get, usual));
}

TEST_CASE("retry: what the client or the gateway did is final") {
  for (int i = 0; i < base::cause_count; ++i) {
    const auto cause = static_cast<Cause>(i);
    if (base::traits(cause).fault == base::Side::upstream) continue;
    if (cause == Cause::overloaded) continue;  // another endpoint may not need what was lacking for this one
    CAPTURE(base::traits(cause).label);
    CHECK_FALSE(proxy::may_retry(cause, nothing_sent, Method::get, usual));
  }
  CHECK_FALSE(proxy::may_retry(Cause::upstream_bad_response, nothing_sent, Method::get, usual));
  CHECK_FALSE(proxy::may_retry(Cause::upstream_bad_handshake, nothing_sent, Method::get, usual));
}

TEST_CASE("retry: the operator's conditions widen and narrow it") {
  upstream::RetryModel rules;
  rules.on = {upstream::Condition::timeout, upstream::Condition::invalid_response};
  CHECK_FALSE(proxy::may_retry(Cause::upstream_refused, nothing_sent, Method::get, rules));
  CHECK_FALSE(proxy::may_retry(Cause::upstream_closed, sent, Method::get, rules));
  CHECK(proxy::may_retry(Cause::upstream_timed_out, sent, Method::get, rules));
  CHECK(proxy::may_retry(Cause::upstream_bad_response, response_begun, Method::get, rules));
  CHECK_FALSE(proxy::may_retry(Cause::upstream_timed_out, response_begun, Method::get, rules));
  CHECK_FALSE(proxy::may_retry(Cause::upstream_bad_response, body_consumed, Method::put, rules));
  CHECK_FALSE(proxy::may_retry(Cause::upstream_timed_out, sent, Method::post, rules));
  CHECK_FALSE(proxy::may_retry(Cause::upstream_timed_out, informed, Method::get, rules));
  rules.non_idempotent = true;
  CHECK(proxy::may_retry(Cause::upstream_timed_out, sent, Method::post, rules));
  CHECK_FALSE(proxy::may_retry(Cause::upstream_timed_out, body_consumed, Method::post, rules));
}

TEST_CASE("retry: a status is tried again only when it is named, and the method may be repeated") {
  upstream::RetryModel rules;
  CHECK_FALSE(proxy::may_retry_status(503, response_begun, Method::get, rules));
  rules.on.add_status(503);
  CHECK(proxy::may_retry_status(503, response_begun, Method::get, rules));
  CHECK_FALSE(proxy::may_retry_status(502, response_begun, Method::get, rules));
  CHECK_FALSE(proxy::may_retry_status(503, response_begun, Method::post, rules));
  CHECK_FALSE(proxy::may_retry_status(503, body_consumed, Method::put, rules));
  CHECK_FALSE(proxy::may_retry_status(503, informed, Method::get, rules));
}
