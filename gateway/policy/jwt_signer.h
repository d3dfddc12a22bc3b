// Makes signed tokens for the demo application and for tests; the gateway itself only verifies tokens.
#pragma once

#include <string>

#include "base/json.h"
#include "crypto/hmac.h"

namespace postern::policy {

// Returns a signed token (JWS compact form) with these claims, which must be a JSON object. The header
// contains only the key's algorithm and the type JWT.
std::string sign_jwt(const crypto::HmacKey& key, const base::Json& claims);

}  // namespace postern::policy
