// Keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2): which are taken out of a JWK Set, and which are
// left out. Each stands under the kid "k" beside a sound key of another kid, so a token under "k" tells
// whether it is there.
#include <doctest/doctest.h>

#include "base/error.h"
#include "crypto/base64.h"
#include "jwt_vectors.h"

namespace postern::vectors {

using base::Cause;
using base::Json;
using crypto::Algorithm;
using crypto::encode_base64url;
using support::SigningKey;

namespace {

// The text of a set in which this text of a JWK stands, whose first member is {"kid":"k".
std::string beside_another(std::string_view jwk) {
  Json other = secret_jwk("a sound secret of thirty-two bytes or more");
  other["kid"] = "other";
  return R"({"keys":[{"kid":"k",)" + std::string(jwk.substr(1)) + ',' + other.dump() + "]}";
}

std::string under_k(const SigningKey& key, Algorithm algorithm) {
  return support::make_token(key, algorithm, Json::parse(good_claims), "k");
}

Json with(Json jwk, std::string_view member, Json value) {
  jwk[std::string(member)] = std::move(value);
  return jwk;
}

Json without(Json jwk, const char* member) {
  jwk.erase(member);
  return jwk;
}

std::string decoded(const Json& member) { return *crypto::decode_base64url(member.get<std::string>()); }

constexpr auto left_out = Cause::token_key_unknown;

void add_rsa(Vectors& vectors) {
  const SigningKey& key = support::rsa_key();
  const Json jwk = key.public_jwk();
  const std::string modulus = decoded(jwk["n"]);
  const auto add = [&](std::string_view what, const Json& changed, std::optional<Cause> refused = left_out) {
    vectors.push_back({"RSA key: " + std::string(what), beside_another(changed.dump()),
                       under_k(key, Algorithm::rs256), refused});
  };
  const auto number = [](std::string_view bytes) { return Json(encode_base64url(bytes)); };
  add("as it should be", jwk, std::nullopt);
  add("zeros before the modulus", with(jwk, "n", number('\0' + modulus)), std::nullopt);
  add("padding behind the modulus", with(jwk, "n", jwk["n"].get<std::string>() + "=="), std::nullopt);
  add("the private part beside it", with(jwk, "d", "AQAB"), std::nullopt);
  add("a leading zero of the exponent", with(jwk, "e", "AAEAAQ"), std::nullopt);
  add("the exponent 3, which is another key", with(jwk, "e", "Aw"), Cause::token_signature);
  add("the exponent 1", with(jwk, "e", "AQ"));
  add("the exponent 0", with(jwk, "e", "AA"));
  add("the exponent 2", with(jwk, "e", "Ag"));
  add("an even exponent", with(jwk, "e", "AQAA"));
  add("an exponent of 72 bits", with(jwk, "e", number(std::string(9, '\x01'))));
  add("an exponent as large as the modulus", with(jwk, "e", jwk["n"]));
  add("an exponent that is a number of JSON", with(jwk, "e", 65537));
  add("an exponent in decimal digits", with(jwk, "e", "65537"));
  add("no exponent", without(jwk, "e"));
  add("no modulus", without(jwk, "n"));
  add("an empty modulus", with(jwk, "n", ""));
  add("a modulus of zero", with(jwk, "n", number(std::string(256, '\0'))));
  std::string even = modulus;
  even.back() = static_cast<char>(even.back() & ~1);
  add("an even modulus", with(jwk, "n", number(even)));
  add("a modulus of 2047 bits", with(jwk, "n", number('\x7f' + modulus.substr(1))));
  add("a modulus that lacks a byte", with(jwk, "n", number(modulus.substr(1))));
  add("a modulus of 64 KiB", with(jwk, "n", number(std::string(64 * 1024, '\x7f'))));
  add("a modulus of 8200 bits", with(jwk, "n", number(std::string(1025, '\x7f'))));
  add("a modulus that is no base64url", with(jwk, "n", "n*n"));
  add("a modulus with a line feed", with(jwk, "n", jwk["n"].get<std::string>() + "\n"));
  add("a modulus that is a number of JSON", with(jwk, "n", 7));
  add("the kind in lower case", with(jwk, "kty", "rsa"));
  add("the kind of a secret", with(jwk, "kty", "oct"));
  add("the kind of a curve", with(jwk, "kty", "EC"));
  add("no kind", without(jwk, "kty"));
  add("a kind that is a list", with(jwk, "kty", Json::array({"RSA"})));
  for (int bits : {512, 1024, 2040}) {
    const SigningKey weak = bits == 1024 ? support::weak_rsa_key() : SigningKey::rsa(bits);
    vectors.push_back({"RSA key: " + std::to_string(bits) + " bits", beside_another(weak.public_jwk().dump()),
                       under_k(weak, Algorithm::rs256), left_out});
  }
  const SigningKey large = SigningKey::rsa(3072);
  vectors.push_back(
      {"RSA key: 3072 bits", beside_another(large.public_jwk().dump()), under_k(large, Algorithm::ps512)});
}

void add_purposes(Vectors& vectors) {
  const SigningKey& key = support::rsa_key();
  const Json jwk = key.public_jwk();
  const auto add = [&](std::string_view member, const Json& value, std::optional<Cause> refused) {
    vectors.push_back({"key's " + std::string(member) + ": " + value.dump(),
                       beside_another(with(jwk, member, value).dump()), under_k(key, Algorithm::rs256),
                       refused});
  };
  add("use", "sig", std::nullopt);
  for (const Json& value :
       {Json("enc"), Json("SIG"), Json(""), Json("signature"), Json(1), Json(nullptr), Json({"sig"})})
    add("use", value, left_out);
  add("key_ops", {"verify"}, std::nullopt);
  add("key_ops", {"sign", "verify"}, std::nullopt);
  for (const Json& value :
       {Json::array(), Json::array({"sign"}), Json::array({"encrypt", "wrapKey"}), Json("verify"),
        Json(nullptr), Json::array({1}), Json::array({"Verify"}), Json({{"verify", true}})})
    add("key_ops", value, left_out);
  add("alg", "RS256", std::nullopt);
  add("alg", "RS384", Cause::token_algorithm);
  add("alg", "PS256", Cause::token_algorithm);
  for (const Json& value : {Json("ES256"), Json("HS256"), Json("EdDSA"), Json("RSA-OAEP"), Json("none"),
                            Json(""), Json("rs256"), Json(256), Json(nullptr), Json({"RS256"})})
    add("alg", value, left_out);
  vectors.push_back({"key's use and key_ops: one of them fits",
                     beside_another(with(with(jwk, "use", "enc"), "key_ops", {"verify"}).dump()),
                     under_k(key, Algorithm::rs256), left_out});
  vectors.push_back({"key's kid: a number",
                     key_set({with(jwk, "kid", 1), with(secret_jwk(), "kid", "other")}),
                     under_k(key, Algorithm::rs256), left_out});
}

void add_points(Algorithm algorithm, const SigningKey& other_curve, Vectors& vectors) {
  const SigningKey& key = support::key_for(algorithm);
  const Json jwk = key.public_jwk();
  const std::string x = decoded(jwk["x"]);
  const std::string y = decoded(jwk["y"]);
  const auto add = [&](std::string_view what, const Json& changed, std::optional<Cause> refused = left_out) {
    vectors.push_back({jwk["crv"].get<std::string>() + " key: " + std::string(what),
                       beside_another(changed.dump()), under_k(key, algorithm), refused});
  };
  const auto at = [&](std::string_view new_x, std::string_view new_y) {
    return with(with(jwk, "x", encode_base64url(new_x)), "y", encode_base64url(new_y));
  };
  const std::string zero(x.size(), '\0');
  std::string near = y;
  near.back() = static_cast<char>(near.back() ^ 1);
  add("as it should be", jwk, std::nullopt);
  add("a point beside the curve", at(x, near));
  add("x and y exchanged", at(y, x));
  add("x twice", at(x, x));
  add("the origin", at(zero, zero));
  add("x is zero", at(zero, y));
  add("y is zero", at(x, zero));
  add("both all ones", at(std::string(x.size(), '\xff'), std::string(x.size(), '\xff')));
  add("empty coordinates, the point at infinity", at("", ""));
  add("coordinates of one zero, the point at infinity", at(std::string(1, '\0'), std::string(1, '\0')));
  add("a zero in front of x", at('\0' + x, y));
  add("a zero in front of both", at('\0' + x, '\0' + y));
  add("x lacks a byte", at(x.substr(1), y));
  add("y lacks a byte", at(x, y.substr(0, y.size() - 1)));
  add("a compressed point for x", at('\x02' + x, ""));
  add("an uncompressed point for x", at('\x04' + x + y, ""));
  add("no y", without(jwk, "y"));
  add("no x", without(jwk, "x"));
  add("no curve", without(jwk, "crv"));
  add("the point of another curve",
      with(with(jwk, "x", other_curve.public_jwk()["x"]), "y", other_curve.public_jwk()["y"]));
  add("the name of another curve", with(jwk, "crv", other_curve.public_jwk()["crv"]));
  for (const char* name : {"secp256k1", "P-224", "p-256", "prime256v1", "brainpoolP256r1", "Ed25519"})
    add("the curve " + std::string(name), with(jwk, "crv", name));
  add("the kind OKP", with(jwk, "kty", "OKP"));
  add("an alg of another curve", with(jwk, "alg", algorithm == Algorithm::es256 ? "ES384" : "ES256"));
}

void add_ed25519(Vectors& vectors) {
  const SigningKey& key = support::ed25519_key();
  const Json jwk = key.public_jwk();
  const std::string x = decoded(jwk["x"]);
  const std::string token = under_k(key, Algorithm::eddsa);
  const auto add = [&](std::string_view what, const Json& changed, std::optional<Cause> refused = left_out) {
    vectors.push_back({"Ed25519 key: " + std::string(what), beside_another(changed.dump()), token, refused});
  };
  add("as it should be", jwk, std::nullopt);
  add("31 bytes", with(jwk, "x", encode_base64url(x.substr(1))));
  add("33 bytes", with(jwk, "x", encode_base64url(x + '\0')));
  add("no bytes", with(jwk, "x", ""));
  add("no x", without(jwk, "x"));
  add("no curve", without(jwk, "crv"));
  for (const char* name : {"X25519", "Ed448", "X448", "ed25519", "P-256"})
    add("the curve " + std::string(name), with(jwk, "crv", name));
  add("the kind EC", with(jwk, "kty", "EC"));
  add("the kind in lower case", with(jwk, "kty", "okp"));
  add("an alg of RSA", with(jwk, "alg", "RS256"));
}

// Keys of small order, and spellings of y that are not below p: with some of them a signature of nobody fits
// every text. This is such a signature: R is the neutral point, S is zero.
void add_weak_points(Vectors& vectors) {
  const std::string ones(30, '\xff');
  const std::string neutral = '\x01' + std::string(31, '\0');
  const struct {
    std::string_view name;
    std::string x;
  } points[] = {
      {"the neutral point", neutral},
      {"the neutral point with a sign", '\x01' + std::string(30, '\0') + '\x80'},
      {"order 2", '\xec' + ones + '\x7f'},
      {"order 2 with a sign", '\xec' + ones + '\xff'},
      {"order 4", std::string(32, '\0')},
      {"order 4 with a sign", std::string(31, '\0') + '\x80'},
      {"order 8, one", *crypto::decode_base64url("JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU")},
      {"order 8, one with a sign", *crypto::decode_base64url("JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU")},
      {"order 8, the other", *crypto::decode_base64url("xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o")},
      {"order 8, the other with a sign",
       *crypto::decode_base64url("xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o")},
      {"y is p", '\xed' + ones + '\x7f'},
      {"y is p + 1", '\xee' + ones + '\x7f'},
      {"y is p + 1, with a sign", '\xee' + ones + '\xff'},
      {"y is p + 3", '\xf0' + ones + '\x7f'},
      {"all ones", std::string(32, '\xff')},
  };
  const std::string header = R"({"alg":"EdDSA","kid":"k"})";
  for (const auto& [name, x] : points) {
    const Json jwk = {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", encode_base64url(x)}};
    vectors.push_back({"Ed25519 key of " + std::string(name) + ", and a signature of nobody",
                       beside_another(jwk.dump()),
                       support::join_token(header, good_claims, neutral + std::string(32, '\0')), left_out});
  }
}

void add_secrets(Vectors& vectors) {
  const std::string token =
      support::make_hmac_token(Algorithm::hs256, secret, R"({"alg":"HS256","kid":"k"})", good_claims);
  const auto add = [&](std::string_view what, const Json& jwk, std::optional<Cause> refused = left_out) {
    vectors.push_back({"secret: " + std::string(what), beside_another(jwk.dump()), token, refused});
  };
  const Json jwk = secret_jwk();
  add("as it should be", jwk, std::nullopt);
  add("another", secret_jwk("another secret of thirty-two bytes"), Cause::token_signature);
  add("with a byte behind it", secret_jwk(std::string(secret) + "x"), Cause::token_signature);
  add("empty", with(jwk, "k", ""));
  add("missing", without(jwk, "k"));
  add("no base64url", with(jwk, "k", "a secret!"));
  add("a number", with(jwk, "k", 12345));
  add("the alg of a public key", with(jwk, "alg", "RS256"));
  add("the alg of another digest", with(jwk, "alg", "HS512"), Cause::token_algorithm);
  add("the kind in upper case", with(jwk, "kty", "OCT"));
}

}  // namespace

Vectors key_vectors() {
  Vectors vectors;
  add_rsa(vectors);
  add_purposes(vectors);
  add_points(Algorithm::es256, support::p384_key(), vectors);
  add_points(Algorithm::es384, support::p521_key(), vectors);
  add_points(Algorithm::es512, support::p256_key(), vectors);
  add_ed25519(vectors);
  add_weak_points(vectors);
  add_secrets(vectors);
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: keys") { postern::vectors::check_vectors(postern::vectors::key_vectors()); }
