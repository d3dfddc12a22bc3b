// Caches the tokens that were found valid, so that a client costs one signature check and not one per
// request. Refused tokens are not cached, because a key that is added later must be able to change the
// result.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/digest.h"
#include "policy/jwt_verifier.h"
#include "state/key_store.h"
#include "state/revocations.h"

namespace postern::policy {

// Used on one thread: each worker has its own cache. It stores no token, only its SHA-256, the verifier's
// identity and the generation of the keys; all are compared completely. It allocates no memory before the
// first valid token.
class TokenCache {
 public:
  struct Options {
    size_t capacity = 4096;                           // tokens; rounded up to a power of two, at least 8
    std::chrono::seconds longest_stay{300};           // after this time the token is verified again
    const state::Revocations* revocations = nullptr;  // outlives the cache; null: no token is revoked
  };

  TokenCache();
  explicit TokenCache(Options options);

  // A token with what the cache knows it by. It refers to the text, which must outlive it.
  struct Text {
    explicit Text(std::string_view the_token);
    std::string_view token;
    // Zeros for a token that is too large: hashing it would be work for nothing.
    crypto::Sha256Digest digest{};
  };

  // Returns the token if this verifier has found it valid before, or token_revoked if it was revoked since.
  // What was found counts at `now` (Unix seconds) when it was at most longest_stay ago and exp with leeway is
  // in the future; it does not when the clock went back, or when a key was removed since. Nullopt: the cache
  // does not know.
  std::optional<JwtVerifier::Result> find(const JwtVerifier& verifier, const state::LiveKeys& keys,
                                          const Text& text, int64_t now);
  // Verifies anew, and remembers the token if it is valid and not revoked.
  JwtVerifier::Result verify(const JwtVerifier& verifier, const state::LiveKeys& keys, const Text& text,
                             int64_t now);

  size_t capacity() const { return sets_ * ways; }
  size_t size() const;  // entries, including expired ones

  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  // A token may be stored in one of eight entries; the least recently used of the eight is replaced.
  static constexpr size_t ways = 8;

  struct Entry {
    crypto::Sha256Digest digest{};
    uint64_t verifier = 0;
    uint64_t generation = 0;  // of the keys
    int64_t accepted_at = 0;
    int64_t until = 0;
    uint64_t last_use = 0;
    uint64_t unrevoked_at = 0;                   // generation of the revocations; 0: it was not looked up
    std::shared_ptr<const VerifiedToken> token;  // null: the entry is free
  };

  std::span<Entry> set_of(const crypto::Sha256Digest& digest);
  Entry* entry_of(const crypto::Sha256Digest& digest, uint64_t verifier);
  void remember(Entry entry);
  bool is_revoked(Entry& entry, int64_t now) const;

  size_t sets_;
  int64_t longest_stay_;
  const state::Revocations* revocations_;
  std::vector<Entry> entries_;  // sets_ times `ways`, or empty
  uint64_t uses_ = 0;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
};

}  // namespace postern::policy
