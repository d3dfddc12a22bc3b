// The signature algorithms of JSON Web Tokens that are supported (RFC 7518, RFC 8037). "none" has no value in
// the enumeration, so no code can ever select it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace postern::crypto {

enum class Algorithm : uint8_t {
  hs256,
  hs384,
  hs512,
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa,
};
inline constexpr int algorithm_count = static_cast<int>(Algorithm::eddsa) + 1;

enum class AlgorithmFamily : uint8_t { hmac, rsa_pkcs1, rsa_pss, ecdsa, eddsa };

// The registered name, for example "RS256". parse_algorithm compares every byte: names are case-sensitive.
std::string_view name(Algorithm algorithm);
std::optional<Algorithm> parse_algorithm(std::string_view text);

AlgorithmFamily family(Algorithm algorithm);

// A set of algorithms; a value type of two bytes.
class AlgorithmSet {
 public:
  constexpr AlgorithmSet() = default;
  constexpr AlgorithmSet(std::initializer_list<Algorithm> algorithms) {
    for (Algorithm algorithm : algorithms) insert(algorithm);
  }
  // Makes a set from any range of algorithms.
  template <class Range>
  static constexpr AlgorithmSet of(const Range& algorithms) {
    AlgorithmSet set;
    for (Algorithm algorithm : algorithms) set.insert(algorithm);
    return set;
  }

  constexpr void insert(Algorithm algorithm) { bits_ = static_cast<uint16_t>(bits_ | bit(algorithm)); }
  constexpr bool contains(Algorithm algorithm) const { return (bits_ & bit(algorithm)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

  friend constexpr AlgorithmSet operator&(AlgorithmSet left, AlgorithmSet right) {
    AlgorithmSet both;
    both.bits_ = static_cast<uint16_t>(left.bits_ & right.bits_);
    return both;
  }
  friend constexpr bool operator==(AlgorithmSet, AlgorithmSet) = default;

 private:
  static constexpr uint16_t bit(Algorithm algorithm) {
    return static_cast<uint16_t>(1u << static_cast<unsigned>(algorithm));
  }
  uint16_t bits_ = 0;
};

inline constexpr AlgorithmSet hmac_algorithms{Algorithm::hs256, Algorithm::hs384, Algorithm::hs512};

// The names, for example "RS256, ES256", in the order of the enumeration.
std::string names(AlgorithmSet algorithms);

}  // namespace postern::crypto
