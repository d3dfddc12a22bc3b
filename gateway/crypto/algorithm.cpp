#include "crypto/algorithm.h"

#include <array>

namespace postern::crypto {
namespace {

struct Row {
  std::string_view name;
  AlgorithmFamily family;
};

constexpr std::array<Row, algorithm_count> rows = {{
    {"HS256", AlgorithmFamily::hmac},
    {"HS384", AlgorithmFamily::hmac},
    {"HS512", AlgorithmFamily::hmac},
    {"RS256", AlgorithmFamily::rsa_pkcs1},
    {"RS384", AlgorithmFamily::rsa_pkcs1},
    {"RS512", AlgorithmFamily::rsa_pkcs1},
    {"PS256", AlgorithmFamily::rsa_pss},
    {"PS384", AlgorithmFamily::rsa_pss},
    {"PS512", AlgorithmFamily::rsa_pss},
    {"ES256", AlgorithmFamily::ecdsa},
    {"ES384", AlgorithmFamily::ecdsa},
    {"ES512", AlgorithmFamily::ecdsa},
    {"EdDSA", AlgorithmFamily::eddsa},
}};

}  // namespace

std::string_view name(Algorithm algorithm) { return rows[static_cast<size_t>(algorithm)].name; }

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  for (size_t index = 0; index < rows.size(); ++index)
    if (rows[index].name == text) return static_cast<Algorithm>(index);
  return std::nullopt;
}

AlgorithmFamily family(Algorithm algorithm) { return rows[static_cast<size_t>(algorithm)].family; }

std::string names(AlgorithmSet algorithms) {
  std::string text;
  for (int index = 0; index < algorithm_count; ++index) {
    auto algorithm = static_cast<Algorithm>(index);
    if (!algorithms.contains(algorithm)) continue;
    if (!text.empty()) text += ", ";
    text += name(algorithm);
  }
  return text;
}

}  // namespace postern::crypto
