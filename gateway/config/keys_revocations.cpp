#include "config/keys_revocations.h"

#include <chrono>

namespace postern::config {

using namespace std::chrono_literals;

const Keys<RevocationsDocument>& revocation_keys() {
  static const auto keys =
      Keys<RevocationsDocument>("revocations")
          .key("token_life", &RevocationsDocument::token_life, duration(1min, 87600h),
               "How long a revocation is in effect if it does not say so itself, also one by a logout. It "
               "must be at least as long as the longest life of a token (exp minus iat, and leeway): a token "
               "that outlives its revocation is accepted again.");
  return keys;
}

}  // namespace postern::config
