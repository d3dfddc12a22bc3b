#include "crypto/signature.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace postern::crypto {
namespace {

constexpr int fewest_rsa_bits = 2048;
constexpr int most_rsa_bits = 8192;
constexpr int most_exponent_bits = 64;
constexpr size_t ed25519_key_size = 32;
constexpr size_t ed25519_signature_size = 64;

struct CurveRow {
  const char* group;
  PublicKey::Kind kind;
  size_t size;  // bytes of a coordinate, and of r and s
};

constexpr CurveRow curves[] = {{"prime256v1", PublicKey::Kind::p256, 32},
                               {"secp384r1", PublicKey::Kind::p384, 48},
                               {"secp521r1", PublicKey::Kind::p521, 66}};

tl::unexpected<std::string> refuse(std::string sentence) {
  return tl::unexpected<std::string>(std::move(sentence));
}

BigNumberHandle number_of(const EVP_PKEY* key, const char* parameter) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1) return nullptr;
  return BigNumberHandle(number);
}

// Says what is wrong with the key; empty when it is valid.
std::string rsa_fault(const EVP_PKEY* key) {
  int bits = EVP_PKEY_get_bits(key);
  if (bits < fewest_rsa_bits || bits > most_rsa_bits)
    return "the RSA key has " + std::to_string(bits) + " bits; 2048 to 8192 are taken";
  BigNumberHandle modulus = number_of(key, OSSL_PKEY_PARAM_RSA_N);
  BigNumberHandle exponent = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !BN_is_odd(modulus.get())) return "the RSA key's modulus is even";
  if (!exponent || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) ||
      BN_num_bits(exponent.get()) > most_exponent_bits)
    return "the RSA key's exponent is not an odd number from 3 to 2^64";
  return {};
}

bool is_valid_point(EVP_PKEY* key) {
  KeyContextHandle context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

// Whether the point has one of the orders 1, 2, 4 and 8, or is written with a y that is not below p (RFC 8032
// section 5.1.3). OpenSSL takes such points for keys. The multiples of one of small order are so few that a
// signature which nobody made fits every text, or every eighth one.
bool is_weak_ed25519_point(std::string_view x) {
  constexpr std::string_view small_orders[] = {
      // y of the five, little-endian, without the sign of x
      {"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", ed25519_key_size},
      {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", ed25519_key_size},
      {"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
       "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
       ed25519_key_size},
      {"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
       "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
       ed25519_key_size},
      {"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
       "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
       ed25519_key_size},
  };
  std::string y(x);
  y.back() = static_cast<char>(y.back() & 0x7f);
  if (std::find(std::begin(small_orders), std::end(small_orders), y) != std::end(small_orders)) return true;
  // p is 2^255 - 19, so from p on all bytes but the lowest are those of p.
  return static_cast<unsigned char>(y.front()) >= 0xed && y.back() == '\x7f' &&
         y.find_first_not_of('\xff', 1) == ed25519_key_size - 1;
}

// Null when the parameters do not describe a key.
KeyHandle key_from(const char* type, ParameterBuilderHandle builder) {
  ParametersHandle parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  KeyContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1)
    return KeyHandle(key);
  return nullptr;
}

// The name of the digest of an algorithm; null for EdDSA, which has none.
const char* digest_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rs256:
    case Algorithm::ps256:
    case Algorithm::es256: return "SHA256";
    case Algorithm::rs384:
    case Algorithm::ps384:
    case Algorithm::es384: return "SHA384";
    case Algorithm::rs512:
    case Algorithm::ps512:
    case Algorithm::es512: return "SHA512";
    default: return nullptr;
  }
}

// Converts a signature to DER: OpenSSL verifies that form, but a JWS contains the bare numbers. Nothing
// unless 1 <= r, s < order.
std::optional<std::string> der_signature(std::string_view raw, std::string_view order) {
  if (raw.size() != 2 * order.size()) return std::nullopt;
  std::string_view r = raw.substr(0, order.size());
  std::string_view s = raw.substr(order.size());
  // All are big-endian and of the same size, so comparing the texts compares the numbers.
  auto in_range = [&](std::string_view number) {
    return number < order && number.find_first_not_of('\0') != std::string_view::npos;
  };
  if (!in_range(r) || !in_range(s)) return std::nullopt;

  EcdsaSignatureHandle signature(ECDSA_SIG_new());
  BigNumberHandle r_number(BN_bin2bn(as_octets(r), static_cast<int>(r.size()), nullptr));
  BigNumberHandle s_number(BN_bin2bn(as_octets(s), static_cast<int>(s.size()), nullptr));
  if (!signature || !r_number || !s_number ||
      ECDSA_SIG_set0(signature.get(), r_number.get(), s_number.get()) != 1)
    return std::nullopt;
  static_cast<void>(r_number.release());  // `signature` owns them now
  static_cast<void>(s_number.release());

  int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  if (size <= 0) return std::nullopt;
  std::string der(static_cast<size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  if (i2d_ECDSA_SIG(signature.get(), &out) != size) return std::nullopt;
  return der;
}

}  // namespace

void PublicKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

PublicKey::Made PublicKey::adopt(evp_pkey_st* raw) {
  Handle key(raw);
  if (EVP_PKEY_is_a(raw, "RSA")) {
    if (std::string fault = rsa_fault(raw); !fault.empty()) return refuse(std::move(fault));
    return PublicKey(std::move(key), Kind::rsa, {});
  }
  if (EVP_PKEY_is_a(raw, "ED25519")) {
    std::string x(ed25519_key_size, '\0');
    size_t size = x.size();
    auto* out = reinterpret_cast<unsigned char*>(x.data());
    if (EVP_PKEY_get_raw_public_key(raw, out, &size) != 1 || size != x.size() || is_weak_ed25519_point(x))
      return refuse("the Ed25519 key is a point of small order, or none");
    return PublicKey(std::move(key), Kind::ed25519, {});
  }
  if (!EVP_PKEY_is_a(raw, "EC")) return refuse("the key is neither RSA, EC nor Ed25519");

  char group[64] = {};
  if (EVP_PKEY_get_group_name(raw, group, sizeof(group), nullptr) == 1) {
    for (const CurveRow& curve : curves) {
      if (std::string_view(group) != curve.group) continue;
      BigNumberHandle order = number_of(raw, OSSL_PKEY_PARAM_EC_ORDER);
      std::string octets(curve.size, '\0');
      auto* out = reinterpret_cast<unsigned char*>(octets.data());
      if (!order || BN_bn2binpad(order.get(), out, static_cast<int>(curve.size)) < 0 || !is_valid_point(raw))
        return refuse("the EC key is not a point of its curve");
      return PublicKey(std::move(key), curve.kind, std::move(octets));
    }
  }
  return refuse("the EC key's curve is none of P-256, P-384 and P-521");
}

PublicKey::Made PublicKey::from_rsa(RsaNumbers numbers) {
  CleanErrorQueue clean;
  constexpr size_t most_octets = most_rsa_bits / 8 + 1;  // one more for a leading zero
  if (numbers.modulus.size() > most_octets || numbers.exponent.size() > most_octets)
    return refuse("the RSA key is too large; 2048 to 8192 bits are taken");
  BigNumberHandle modulus(
      BN_bin2bn(as_octets(numbers.modulus), static_cast<int>(numbers.modulus.size()), nullptr));
  BigNumberHandle exponent(
      BN_bin2bn(as_octets(numbers.exponent), static_cast<int>(numbers.exponent.size()), nullptr));
  ParameterBuilderHandle builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return refuse("the RSA key cannot be read");
  KeyHandle key = key_from("RSA", std::move(builder));
  if (!key) return refuse("the RSA key cannot be read");
  return adopt(key.release());
}

PublicKey::Made PublicKey::from_ec(Curve curve, EcPoint point) {
  CleanErrorQueue clean;
  const CurveRow& row = curves[static_cast<size_t>(curve)];
  if (point.x.size() != row.size || point.y.size() != row.size)
    return refuse("the EC key's coordinates are not " + std::to_string(row.size) + " bytes long");
  std::string octets("\x04");  // marks an uncompressed point, SEC 1 section 2.3.3
  octets.append(point.x).append(point.y);
  ParameterBuilderHandle builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, row.group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, octets.data(),
                                       octets.size()) != 1)
    return refuse("the EC key cannot be read");
  KeyHandle key = key_from("EC", std::move(builder));
  if (!key) return refuse("the EC key is not a point of its curve");
  return adopt(key.release());
}

PublicKey::Made PublicKey::from_ed25519(std::string_view x) {
  CleanErrorQueue clean;
  if (x.size() != ed25519_key_size) return refuse("the Ed25519 key is not 32 bytes long");
  KeyHandle key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, as_octets(x), x.size()));
  if (!key) return refuse("the Ed25519 key cannot be read");
  return adopt(key.release());
}

std::string PublicKey::der() const {
  CleanErrorQueue clean;
  unsigned char* octets = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &octets);
  base::check(size > 0, "a key that was read can be written");
  std::string text(reinterpret_cast<const char*>(octets), static_cast<size_t>(size));
  OPENSSL_free(octets);
  return text;
}

std::string_view PublicKey::kind_name() const {
  switch (kind_) {
    case Kind::rsa: return "RSA";
    case Kind::p256: return "P-256";
    case Kind::p384: return "P-384";
    case Kind::p521: return "P-521";
    case Kind::ed25519: return "Ed25519";
  }
  return "";
}

AlgorithmSet PublicKey::algorithms() const {
  switch (kind_) {
    case Kind::rsa:
      return {Algorithm::rs256, Algorithm::rs384, Algorithm::rs512,
              Algorithm::ps256, Algorithm::ps384, Algorithm::ps512};
    case Kind::p256: return {Algorithm::es256};
    case Kind::p384: return {Algorithm::es384};
    case Kind::p521: return {Algorithm::es512};
    case Kind::ed25519: return {Algorithm::eddsa};
  }
  return {};
}

bool PublicKey::verify(Algorithm algorithm, std::string_view data, std::string_view signature) const {
  if (!algorithms().contains(algorithm)) return false;
  CleanErrorQueue clean;
  std::string der;
  switch (family(algorithm)) {
    case AlgorithmFamily::hmac: return false;
    case AlgorithmFamily::rsa_pkcs1:
    case AlgorithmFamily::rsa_pss:
      if (signature.size() != static_cast<size_t>(EVP_PKEY_get_size(key_.get()))) return false;
      break;
    case AlgorithmFamily::eddsa:
      if (signature.size() != ed25519_signature_size) return false;
      break;
    case AlgorithmFamily::ecdsa: {
      auto converted = der_signature(signature, order_);
      if (!converted) return false;
      der = std::move(*converted);
      signature = der;
      break;
    }
  }

  DigestContextHandle context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by the context
  if (!context || EVP_DigestVerifyInit_ex(context.get(), &parameters, digest_name(algorithm), nullptr,
                                          nullptr, key_.get(), nullptr) != 1)
    return false;
  // The default digest of MGF1 is the signature's digest, as RFC 7518 section 3.5 requires.
  if (family(algorithm) == AlgorithmFamily::rsa_pss &&
      (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
    return false;
  return EVP_DigestVerify(context.get(), as_octets(signature), signature.size(), as_octets(data),
                          data.size()) == 1;
}

}  // namespace postern::crypto
