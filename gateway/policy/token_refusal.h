// The answers to requests whose token is missing, not valid, or not enough.
#pragma once

#include <string>

#include "base/error_fwd.h"
#include "http/local_response.h"

namespace postern::policy {

// Makes a refusal with its challenge (RFC 6750 3). The error is named only when the request had a token.
// `detail` may be shown to the client.
http::LocalResponse token_refusal(base::Cause cause, std::string detail);

}  // namespace postern::policy
