// Test vectors of tokens: each has a name, keys, a token and the verdict that is expected. The kinds are
// those of the public suites for JSON Web Signatures, ECDSA, RSA and EdDSA. Tokens are made with the crypto
// library, or are those that the RFCs print.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error_fwd.h"
#include "base/json.h"
#include "crypto/algorithm.h"
#include "support/jwt_keys.h"

namespace postern::vectors {

struct TokenVector {
  std::string name;
  std::string keys;  // the text of a key file
  std::string token;
  std::optional<base::Cause> refused{};  // nullopt: the token is accepted
};
using Vectors = std::vector<TokenVector>;

// Each is a file of its own, which also runs them.
Vectors algorithm_vectors();
Vectors claim_vectors();
Vectors encoding_vectors();
Vectors header_vectors();
Vectors key_vectors();
Vectors published_vectors();
Vectors rsa_vectors();
Vectors curve_vectors();  // ECDSA and Ed25519

// Judges every vector at `now` without leeway, and requires no claim.
void check_vectors(const Vectors& vectors);

constexpr int64_t now = 1'700'000'000;
constexpr std::string_view secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr std::string_view good_claims = R"({"sub":"alice","exp":1700000600})";

// A JWK Set, and a JWK of a shared secret.
std::string key_set(std::initializer_list<base::Json> keys);
base::Json secret_jwk(std::string_view the_secret = secret);
std::string secret_keys();

// The keys for one algorithm.
std::string keys_for(crypto::Algorithm algorithm);

// A token with these claims, signed with the key or the secret of this process for the algorithm.
std::string token_for(crypto::Algorithm algorithm, std::string_view claims = good_claims);
std::string sign_for(crypto::Algorithm algorithm, std::string_view data);

// {"alg":"NAME"}
std::string header_of(crypto::Algorithm algorithm);

// A token of these texts, which are taken for base64url as they are, with a good HS256 signature over them.
std::string sealed(std::string_view header_text, std::string_view payload_text);

}  // namespace postern::vectors
