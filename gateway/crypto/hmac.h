// HMAC with SHA-2 (RFC 2104, RFC 7518 section 3.2).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/algorithm.h"

struct evp_mac_ctx_st;

namespace postern::crypto {

// Compares in a time that depends on the sizes only.
bool constant_time_equal(std::string_view left, std::string_view right);

// A secret bound to one of HS256, HS384 and HS512. It stores the keyed state, not the secret, and cannot
// print it. Immutable: any number of threads may sign and verify with one key.
class HmacKey {
 public:
  // An empty secret is a programming error: callers must refuse it first.
  HmacKey(Algorithm algorithm, std::string_view secret);

  Algorithm algorithm() const { return algorithm_; }

  // Returns 32, 48 or 64 bytes.
  std::string sign(std::string_view data) const;

  // Compares in constant time; a MAC of another length is refused, never truncated.
  bool verify(std::string_view data, std::string_view mac) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };

  Algorithm algorithm_;
  std::unique_ptr<evp_mac_ctx_st, Free> keyed_;
};

}  // namespace postern::crypto
