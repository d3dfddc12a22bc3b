// The answers of authentication servers that one worker keeps.
#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "crypto/digest.h"
#include "policy/auth_desk.h"

namespace postern::proxy {

// Each worker has its own: an answer that is found costs no lock, and each worker asks once for what it does
// not have. It stores no request, only the SHA-256 of what decides, which is compared completely. It
// allocates no memory before the first answer.
class AuthCache {
 public:
  // A text of a request as append_auth_key() makes it, hashed.
  using Key = crypto::Sha256Digest;

  static constexpr size_t capacity = 8192;
  // Larger answers are not kept, so that all of them together take at most 32 MiB.
  static constexpr size_t answer_size_max = 4096;

  // Empty when there is none.
  policy::AuthResult find(const Key& key, base::Instant now);
  // Keeps the answer for as long as the rules say, if it may be kept at all: none that sets a cookie, or says
  // that it is not to be stored.
  void keep(const Key& key, const policy::AuthResult& answer, const policy::AuthCacheRules& rules,
            bool storable, base::Instant now);

 private:
  // An answer may be stored in one of eight entries; of those, the one that ends first is replaced.
  static constexpr size_t ways = 8;
  static constexpr size_t sets = capacity / ways;

  struct Entry {
    Key key{};
    base::Instant until{};
    policy::AuthResult answer{};  // empty: the entry is free
  };

  std::span<Entry> set_of(const Key& key);

  std::vector<Entry> entries_;  // none, or `capacity`
};

}  // namespace postern::proxy
