// Finds the route of a request, where the path may be readable in more than one way.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "http/local_response.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

// Sets the exchange's route. Where a route takes strict paths, the target in the facts is made normal.
// Without a route the request fails, or it gets the answer that is returned (405, when the path has a route
// for other methods).
base::Result<std::optional<http::LocalResponse>> find_route(ExchangeState& exchange);

// For routes that use the path, which must then have one form. `what` says what they do with it.
base::Result<void> need_normal_path(ExchangeState& exchange, std::string_view what);

}  // namespace postern::proxy
