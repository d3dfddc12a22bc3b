// Holds a request to what its listener asks of clients by certificate, before there is a route.
#pragma once

#include <optional>

#include "base/result.h"
#include "http/local_response.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

// Whether a client is asked for a certificate goes by the name that it sends by SNI, but the route goes by
// the host of the request, and the two need not agree. So a request for a host for which clients are asked is
// refused (421) on a connection that was not asked, or that has no certificate although one is required: it
// may have been opened before a reload. A certificate that was taken away since is refused too. The
// connection is closed, so that the next one is judged by its handshake. Otherwise the policies get to know
// the certificate.
base::Result<std::optional<http::LocalResponse>> check_certificate(ExchangeState& exchange);

}  // namespace postern::proxy
