// Verifies a token that is not one of the request's credentials: it stands in a body.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/task.h"
#include "policy/jwt_verifier.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

// `keys` is an index into state::Names::keys. Waits for keys that are being fetched, within the limits of
// policy::wait_for_keys(). It fails when the client leaves meanwhile. All arguments outlive the task.
base::Task<base::Result<policy::JwtVerifier::Result>> verify_token(ExchangeState& exchange,
                                                                   const policy::JwtVerifier& verifier,
                                                                   size_t keys, std::string_view text);

}  // namespace postern::proxy
