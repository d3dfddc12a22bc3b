// OpenID Connect Back-Channel Logout 1.0: a provider posts a logout token, and what it names is revoked.
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "http/local_response.h"
#include "proxy/exchange_state.h"
#include "routing/action.h"

namespace postern::proxy {

// Reads the form, checks its token and revokes. Answers 200, or says why it did not: 400 for a token that is
// not in order, 503 where keys or room are missing, so that the provider may try again. Fails when the client
// leaves or is too slow. Both outlive the task.
base::Task<base::Result<http::LocalResponse>> receive_logout(ExchangeState& exchange,
                                                             const routing::BackchannelLogout& action);

}  // namespace postern::proxy
