// Makes tokens, for the demo application and for tests: the gateway itself only judges them.
#pragma once

#include <string>

#include "base/json.h"
#include "crypto/hmac.h"

namespace postern::policy {

// A signed token (JWS compact form) with these claims, which are an object. The header names the key's
// algorithm and type JWT, nothing else.
std::string sign_jwt(const crypto::HmacKey& key, const base::Json& claims);

}  // namespace postern::policy
