// The keys that may have signed a token, each tied to the algorithms it is for. A key decides which
// algorithms it verifies; a token's header can only agree or be refused. Confusion between algorithms has no
// place to happen: a public key is not a secret's type, and "none" is no algorithm.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "crypto/algorithm.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/signature.h"

namespace postern::policy {

// One key. Immutable; any thread may verify with it.
class VerificationKey {
 public:
  // `algorithms` must not be empty and must fit the kind: KeySet's makers see to it.
  VerificationKey(std::string id, crypto::AlgorithmSet algorithms, crypto::PublicKey key);
  VerificationKey(std::string id, crypto::AlgorithmSet algorithms, std::string_view secret);

  // The JWK's kid; empty for a key that has none. Only ever compared, never used to find anything.
  std::string_view id() const { return id_; }
  crypto::AlgorithmSet algorithms() const { return algorithms_; }
  // Of all that makes it what it is, for comparing it with others. Not for any log.
  const crypto::Sha256Digest& digest() const { return digest_; }

  // False also when the algorithm is not one of algorithms().
  bool verify(crypto::Algorithm algorithm, std::string_view data, std::string_view signature) const;

 private:
  using Secret = std::vector<crypto::HmacKey>;  // one per algorithm

  std::string id_;
  crypto::AlgorithmSet algorithms_;
  crypto::Sha256Digest digest_;
  std::variant<crypto::PublicKey, Secret> material_;
};

// The keys that a token's header allows, few enough to try them all.
struct KeyChoice {
  static constexpr size_t most = 4;  // signature checks that one token may cost

  enum class Outcome : uint8_t {
    found,
    unknown_id,       // the token names a key that is not here
    wrong_algorithm,  // there are such keys, for other algorithms
  };
  Outcome outcome = Outcome::found;
  std::array<const VerificationKey*, most> keys{};
  size_t count = 0;

  std::span<const VerificationKey* const> candidates() const { return {keys.data(), count}; }
};

// Immutable and movable; shared by workers behind a const pointer. Errors are sentences for people that carry
// nothing of a secret or key. An empty list of algorithms allows all that fit the key.
class KeySet {
 public:
  using Made = tl::expected<KeySet, std::string>;

  // One shared secret for HS256, HS384, HS512.
  static Made from_secret(std::string_view secret, crypto::AlgorithmSet algorithms);

  // One or several public keys or certificates; see crypto::PublicKey::from_pem.
  static Made from_pem(std::string_view text, crypto::AlgorithmSet algorithms);

  // A JWK Set, or a single JWK (RFC 7517), of at most 1 MiB and 256 keys. Keys that cannot be used (another
  // kind, use or curve, a damaged or weak key, an algorithm not allowed) are left out and named in notes();
  // it is an error only when none remains.
  static Made from_jwks(std::string_view text, crypto::AlgorithmSet algorithms);

  // PEM or JWKS, told apart by the first letter, as a file of keys may be either.
  static Made from_file_text(std::string_view text, crypto::AlgorithmSet algorithms);

  // The keys that a token with this algorithm and kid may have been signed with. With a kid: the keys of
  // exactly this name, else those without any name (PEM and secrets have none, issuers name theirs all the
  // same). Without: all keys. Of these the first KeyChoice::most whose algorithms fit.
  KeyChoice choose(crypto::Algorithm algorithm, std::optional<std::string_view> id) const;

  const std::vector<VerificationKey>& keys() const { return keys_; }

  // Sentences about what was left out or is weak, for the operator's log.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  KeySet() = default;

  std::vector<VerificationKey> keys_;
  std::vector<std::string> notes_;
};

}  // namespace postern::policy
