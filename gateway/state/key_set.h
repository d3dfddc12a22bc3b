// The keys that may have signed a token, each bound to its algorithms. The key decides which algorithms it
// verifies; a token's header that names another one is refused. This makes algorithm confusion impossible:
// public keys and secrets have different types, and "none" is not an algorithm.
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

namespace postern::state {

// One key. Immutable; any thread may verify with it.
class VerificationKey {
 public:
  // `algorithms` must not be empty and must fit the kind of key; the factories of KeySet ensure this.
  VerificationKey(std::string id, crypto::AlgorithmSet algorithms, crypto::PublicKey key);
  VerificationKey(std::string id, crypto::AlgorithmSet algorithms, std::string_view secret);

  // The JWK's kid; empty for a key without one. It is only compared, never used as a path or a URL.
  std::string_view id() const { return id_; }
  crypto::AlgorithmSet algorithms() const { return algorithms_; }
  // The digest of everything that defines the key, to compare keys. It must not be logged.
  const crypto::Sha256Digest& digest() const { return digest_; }
  // A number that other keys do not have (64 bits of the digest); never 0.
  uint64_t number() const;

  // Returns false also when `algorithm` is not one of algorithms().
  bool verify(crypto::Algorithm algorithm, std::string_view data, std::string_view signature) const;

 private:
  using Secret = std::vector<crypto::HmacKey>;  // one per algorithm

  std::string id_;
  crypto::AlgorithmSet algorithms_;
  crypto::Sha256Digest digest_;
  std::variant<crypto::PublicKey, Secret> material_;
};

// The keys that a token's header allows; so few that all of them can be tried.
struct KeyChoice {
  static constexpr size_t most = 4;  // maximum number of signature checks per token

  enum class Outcome : uint8_t {
    found,
    unknown_id,       // the token names a key that is not in the set
    wrong_algorithm,  // there are such keys, but for other algorithms
  };
  Outcome outcome = Outcome::found;
  std::array<const VerificationKey*, most> keys{};
  size_t count = 0;

  std::span<const VerificationKey* const> candidates() const { return {keys.data(), count}; }
};

// Immutable and movable; workers share it through a const pointer. Error sentences are for people and contain
// nothing of a secret or key. An empty list of algorithms allows all that fit the key.
class KeySet {
 public:
  using Made = tl::expected<KeySet, std::string>;

  // One shared secret for HS256, HS384 and HS512.
  static Made from_secret(std::string_view secret, crypto::AlgorithmSet algorithms);

  // One or several public keys or certificates; see crypto::PublicKey::from_pem.
  static Made from_pem(std::string_view text, crypto::AlgorithmSet algorithms);

  // A JWK Set or a single JWK (RFC 7517), of at most 1 MiB and 256 keys. Keys that cannot be used (another
  // kind, use or curve, a damaged or weak key, an algorithm that is not allowed) are left out and reported in
  // notes(). It is an error only when no key remains.
  static Made from_jwks(std::string_view text, crypto::AlgorithmSet algorithms);

  // The text of a key file, PEM or JWKS; its first character tells which.
  static Made from_file_text(std::string_view text, crypto::AlgorithmSet algorithms);

  // Returns the keys that a token with this algorithm and kid may have been signed with. With a kid these are
  // the keys with exactly this id, or else the keys without an id (PEM and secrets have none, although
  // issuers name theirs). Without a kid these are all keys. At most KeyChoice::most of them are returned, the
  // first whose algorithms fit.
  KeyChoice choose(crypto::Algorithm algorithm, std::optional<std::string_view> id) const;

  const std::vector<VerificationKey>& keys() const { return keys_; }

  // Sentences for the operator's log about keys that were left out or are weak.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  KeySet() = default;

  std::vector<VerificationKey> keys_;
  std::vector<std::string> notes_;
};

}  // namespace postern::state
