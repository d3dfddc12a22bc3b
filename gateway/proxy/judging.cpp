#include "proxy/judging.h"

#include <memory>

#include "base/check.h"
#include "base/error.h"
#include "policy/request_context.h"

namespace postern::proxy {
namespace {

using base::Result;
using base::Stage;
using base::Task;

// Each wait has a limit, and so has their number: see policy::Policy.
constexpr int waits_max = 32;

// It fails when the client has left; what is late is for the policy to judge.
Task<Result<void>> await_arrival(ExchangeState& exchange, policy::Awaited& awaited) {
  InLine in_line(exchange);  // a client that has left keeps nobody waiting
  base::Phase phase(exchange.scope, Stage::policy, awaited.limit(), awaited.late());
  base::Slot<bool>::Take arrival = awaited.arrival().take(exchange.scope);
  const base::Instant began = exchange.services.turn.now;
  Result<bool> arrived = co_await arrival;
  std::optional<base::Duration>& waited = exchange.report.stages.policy;
  waited = waited.value_or(base::Duration::zero()) + exchange.since(began);
  if (arrived) co_return Result<void>();
  if (arrived.error().cause != awaited.late()) co_return base::fail(arrived.error());
  awaited.expire();
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> await_once(ExchangeState& exchange, policy::Verdict& verdict) {
  policy::RequestContext& context = *exchange.context;
  std::unique_ptr<policy::Awaited> awaited = verdict.take_awaited();
  Task<Result<void>> waiting = await_arrival(exchange, *awaited);
  Result<void> waited = co_await waiting;
  if (!waited) co_return base::fail(waited.error());
  context.awaited = std::move(awaited);
  context.now = exchange.services.turn.now;
  context.now_unix = exchange.services.unix_now();
  co_return Result<void>();
}

Task<Result<void>> await_verdict(ExchangeState& exchange, policy::Verdict& verdict) {
  for (int waits = 1; verdict.waits(); ++waits) {
    base::check(waits <= waits_max, "the policies of a route wait for something new each time");
    Task<Result<void>> waiting = await_once(exchange, verdict);
    Result<void> waited = co_await waiting;
    if (!waited) co_return base::fail(waited.error());
    verdict = exchange.route->pipeline.judge(*exchange.context);
  }
  co_return Result<void>();
}

}  // namespace postern::proxy
