#include "crypto/algorithm.h"

#include <doctest/doctest.h>

using namespace postern::crypto;

TEST_CASE("algorithm: every name goes both ways and no other text is a name") {
  for (int index = 0; index < algorithm_count; ++index) {
    auto algorithm = static_cast<Algorithm>(index);
    CHECK(parse_algorithm(name(algorithm)) == algorithm);
  }
  for (std::string_view text :
       {"none", "None", "NONE", "", "hs256", "HS256 ", "RS1", "ES256K", "Ed25519", "EdDSA\n"})
    CHECK_FALSE(parse_algorithm(text).has_value());
}

TEST_CASE("algorithm: a set holds what was put in and intersects") {
  AlgorithmSet set{Algorithm::hs256, Algorithm::eddsa};
  CHECK(set.contains(Algorithm::eddsa));
  CHECK_FALSE(set.contains(Algorithm::rs256));
  CHECK((set & hmac_algorithms) == AlgorithmSet{Algorithm::hs256});
  CHECK((set & AlgorithmSet{Algorithm::es256}).empty());
  CHECK(names(set) == "HS256, EdDSA");
  CHECK(names({}) == "");
}
