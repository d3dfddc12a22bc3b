#include "policy/jwt_signer.h"

#include "base/check.h"
#include "crypto/base64.h"

namespace postern::policy {

std::string sign_jwt(const crypto::HmacKey& key, const base::Json& claims) {
  base::check(claims.is_object(), "the claims of a token are an object");
  base::Json header = {{"alg", name(key.algorithm())}, {"typ", "JWT"}};
  std::string token = crypto::encode_base64url(base::write_json(header));
  token += '.';
  token += crypto::encode_base64url(base::write_json(claims));
  std::string signature = crypto::encode_base64url(key.sign(token));
  return token + '.' + signature;
}

}  // namespace postern::policy
