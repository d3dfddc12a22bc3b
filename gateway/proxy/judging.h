// The part of an exchange's second step that exists only where a policy waits for something.
#pragma once

#include "base/task.h"
#include "policy/policy.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

// Waits for what `verdict` asks for and judges on, until the verdict passes or answers the request. Fails
// when the time limit of a wait passes, or when the exchange is cancelled.
base::Task<base::Result<void>> await_verdict(ExchangeState& exchange, policy::Verdict& verdict);

// The wait alone: afterwards the context has what has come, and whoever asked for it is to be asked again.
base::Task<base::Result<void>> await_once(ExchangeState& exchange, policy::Verdict& verdict);

}  // namespace postern::proxy
