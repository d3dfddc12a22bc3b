// Remembers which tokens were found good, so that a client pays for one signature check and not for one per
// request. Refused tokens are not remembered: a key that arrives later must be able to change the answer.
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

namespace postern::policy {

// For one thread: each worker has its own. Holds no token, only its SHA-256 together with the verifier's
// identity; both are compared whole. Takes no memory until the first token is good.
class TokenCache {
 public:
  struct Options {
    size_t capacity = 4096;                  // tokens; taken up to the next power of two, at least 8
    std::chrono::seconds longest_stay{300};  // then the token is judged again
  };

  TokenCache();
  explicit TokenCache(Options options);

  // The verifier's verdict at `now` (Unix seconds), remembered or made. Remembered is what was accepted at
  // most longest_stay ago and is still before its exp with leeway; a clock that went back forgets.
  JwtVerifier::Result verify(const JwtVerifier& verifier, std::string_view token, int64_t now);

  size_t capacity() const { return sets_ * ways; }
  size_t size() const;  // entries held, expired ones included

  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  // An entry may lie in one of eight places; the least recently used of the eight makes room.
  static constexpr size_t ways = 8;

  struct Entry {
    crypto::Sha256Digest digest{};
    uint64_t verifier = 0;
    int64_t accepted_at = 0;
    int64_t until = 0;
    uint64_t last_use = 0;
    std::shared_ptr<const VerifiedToken> token;  // null: the place is free
  };

  std::span<Entry> set_of(const crypto::Sha256Digest& digest);
  Entry* find(const crypto::Sha256Digest& digest, uint64_t verifier);
  void remember(Entry entry);

  size_t sets_;
  int64_t longest_stay_;
  std::vector<Entry> entries_;  // sets_ times `ways`, or empty
  uint64_t uses_ = 0;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
};

}  // namespace postern::policy
