// Logout at the application: when an endpoint has answered a request to one of the route's logout paths, the
// session of its token is revoked, so that what it holds in other tabs and on other devices ends too.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "proxy/exchange_state.h"
#include "state/revocations.h"

namespace postern::proxy {

// `status`: of the endpoint's answer. Does nothing for a request that is no logout, or that failed.
void note_logout(ExchangeState& exchange, uint16_t status);

// Adds the revocation for `lasts`, and logs what became of it. `by` is the route's key that caused it,
// `named` the claim that it goes by. False: the table is full.
bool revoke(ExchangeState& exchange, state::Revocation revocation, base::Duration lasts, std::string_view by,
            std::string_view named);

}  // namespace postern::proxy
