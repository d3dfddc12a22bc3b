// Public keys and the verification of signatures (RFC 7518 section 3, RFC 8037). This file only verifies:
// nothing here holds a private key.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/algorithm.h"

struct evp_pkey_st;

namespace postern::crypto {

enum class Curve : uint8_t { p256, p384, p521 };

// Big-endian numbers, as in a JWK after base64url decoding (RFC 7518 section 6.3.1).
struct RsaNumbers {
  std::string_view modulus;
  std::string_view exponent;
};

// Coordinates of exactly the curve's size: 32, 48 or 66 bytes (RFC 7518 section 6.2.1.2).
struct EcPoint {
  std::string_view x;
  std::string_view y;
};

// One public key, validated when it is made: RSA of 2048 to 8192 bits, a valid point of P-256, P-384 or
// P-521, or of Ed25519 and no small order. Immutable; any thread may verify with it at any time. Errors are
// sentences for people that contain nothing of the key.
class PublicKey {
 public:
  enum class Kind : uint8_t { rsa, p256, p384, p521, ed25519 };
  using Made = tl::expected<PublicKey, std::string>;

  // Reads all the keys of a PEM text, in order: "PUBLIC KEY", "RSA PUBLIC KEY" and "CERTIFICATE" blocks, at
  // most 64. A certificate only supplies its key: neither its dates nor its issuer are checked. Any other
  // block, above all a private key, and any block that cannot be read make the whole text invalid.
  static tl::expected<std::vector<PublicKey>, std::string> from_pem(std::string_view text);

  static Made from_rsa(RsaNumbers numbers);
  static Made from_ec(Curve curve, EcPoint point);
  static Made from_ed25519(std::string_view x);  // 32 bytes

  Kind kind() const { return kind_; }
  std::string_view kind_name() const;  // "RSA", "P-256", ..., "Ed25519"

  // The key in its interchange form: a SubjectPublicKeyInfo (RFC 5280 section 4.1) in DER.
  std::string der() const;

  // The algorithms that a key of this kind can verify; never an HS algorithm.
  AlgorithmSet algorithms() const;

  // True if `signature` is a signature of `data` by this key. False also for an algorithm of another kind of
  // key, and for every signature that has not exactly the required form: RSA of the modulus' size, ECDSA r||s
  // of fixed size with both in 1..n-1, Ed25519 of 64 bytes.
  bool verify(Algorithm algorithm, std::string_view data, std::string_view signature) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  using Handle = std::unique_ptr<evp_pkey_st, Free>;

  PublicKey(Handle key, Kind kind, std::string order)
      : key_(std::move(key)), kind_(kind), order_(std::move(order)) {}
  static Made adopt(evp_pkey_st* key);

  Handle key_;
  Kind kind_;
  std::string order_;  // order of the curve's group, big-endian, of the size of r; empty unless EC
};

}  // namespace postern::crypto
