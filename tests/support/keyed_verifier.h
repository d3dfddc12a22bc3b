// A verifier together with the keys that it checks with.
#pragma once

#include <string_view>
#include <utility>

#include "policy/jwt_verifier.h"
#include "policy/token_cache.h"
#include "state/key_store.h"

namespace postern::support {

struct KeyedVerifier {
  KeyedVerifier(policy::JwtRules rules, state::KeySet the_keys)
      : verifier(std::move(rules)), keys(std::move(the_keys)) {}
  policy::JwtVerifier::Result verify(std::string_view token, int64_t now) const {
    return verifier.verify(*keys.view().keys, token, now);
  }
  policy::JwtVerifier::Result verify(policy::TokenCache& cache, std::string_view token, int64_t now) const {
    return verify(cache, verifier, keys, token, now);
  }
  // As a policy does: it looks into the cache first.
  static policy::JwtVerifier::Result verify(policy::TokenCache& cache, const policy::JwtVerifier& verifier,
                                            const state::LiveKeys& keys, std::string_view token,
                                            int64_t now) {
    const policy::TokenCache::Text text(token);
    if (auto known = cache.find(verifier, keys, text, now)) return std::move(*known);
    return cache.verify(verifier, keys, text, now);
  }
  uint64_t identity() const { return verifier.identity(); }

  policy::JwtVerifier verifier;
  state::LiveKeys keys;
};

}  // namespace postern::support
