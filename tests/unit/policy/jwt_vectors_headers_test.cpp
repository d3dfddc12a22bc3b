// Headers (RFC 7515 section 4): the algorithm, crit, b64, kid, keys that come along, and JSON that two
// readers read differently. All are signed well, unless the vector is about a signature that somebody else
// can make.
#include <doctest/doctest.h>

#include "base/error.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "jwt_vectors.h"

namespace postern::vectors {

using base::Cause;
using base::Json;
using crypto::Algorithm;
using crypto::encode_base64url;
using support::make_hmac_token;
using support::make_token_with_header;
using namespace std::string_view_literals;

namespace {

std::string with_header(std::string_view header) {
  return sealed(encode_base64url(header), encode_base64url(good_claims));
}

void add_algorithms(Vectors& vectors) {
  for (std::string_view alg :
       {"none", "None", "NONE", "nOnE", "", " ", "hs256", "HS256 ", "HS255", "HS1", "HMAC", "RS1", "ES256K",
        "Ed25519", "ED25519", "A128KW", "dir", "RSA-OAEP", "SHA256"}) {
    const std::string header = Json({{"alg", alg}}).dump();
    vectors.push_back({"alg: \"" + std::string(alg) + "\" with a signature", secret_keys(),
                       with_header(header), Cause::token_algorithm});
    vectors.push_back({"alg: \"" + std::string(alg) + "\" without one", secret_keys(),
                       support::join_token(header, good_claims, ""), Cause::token_algorithm});
  }
  vectors.push_back({"alg: HS256 without a signature", secret_keys(),
                     support::join_token(header_of(Algorithm::hs256), good_claims, ""),
                     Cause::token_malformed});
  for (std::string_view header : {R"({})", R"({"typ":"JWT"})", R"({"alg":256})", R"({"alg":null})",
                                  R"({"alg":true})", R"({"alg":["HS256"]})", R"({"alg":{"alg":"HS256"}})",
                                  R"({"Alg":"HS256"})", R"({"alg ":"HS256"})", R"({"enc":"A128GCM"})"})
    vectors.push_back(
        {"alg: none in " + std::string(header), secret_keys(), with_header(header), Cause::token_malformed});
}

// Algorithm confusion: the public key is known to everybody, so as a secret it keeps nobody out.
void add_confusions(Vectors& vectors) {
  const support::SigningKey& rsa = support::rsa_key();
  const Json jwk = rsa.public_jwk();
  const std::string modulus = jwk["n"];
  const std::string pem = rsa.public_pem();
  const struct {
    std::string_view name;
    std::string text;
  } secrets[] = {{"the PEM text", pem},
                 {"the PEM text without its last line feed", pem.substr(0, pem.size() - 1)},
                 {"the certificate", rsa.certificate_pem()},
                 {"the JWK", jwk.dump()},
                 {"the modulus in base64url", modulus},
                 {"the bytes of the modulus", *crypto::decode_base64url(modulus)},
                 {"a zero, which is the same as nothing,", std::string(1, '\0')}};
  for (const auto& [name, text] : secrets) {
    for (Algorithm algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
      const std::string what = std::string(crypto::name(algorithm)) + " with " + std::string(name) +
                               " of an RSA key as the secret";
      const std::string token = make_hmac_token(algorithm, text, header_of(algorithm), good_claims);
      vectors.push_back(
          {"confusion: " + what + ", against a JWK", key_set({jwk}), token, Cause::token_algorithm});
      vectors.push_back({"confusion: " + what + ", against PEM", pem, token, Cause::token_algorithm});
    }
  }
  Json named = jwk;
  named["kid"] = "rsa";
  Json shared = secret_jwk();
  shared["kid"] = "shared";
  vectors.push_back({"confusion: HS256 under the kid of an RSA key, beside a secret",
                     key_set({named, shared}),
                     make_hmac_token(Algorithm::hs256, secret, R"({"alg":"HS256","kid":"rsa"})", good_claims),
                     Cause::token_algorithm});
  vectors.push_back(
      {"confusion: RS256 under the kid of a secret", key_set({named, shared}),
       make_token_with_header(rsa, Algorithm::rs256, R"({"alg":"RS256","kid":"shared"})", good_claims),
       Cause::token_algorithm});
}

void add_extensions(Vectors& vectors) {
  for (std::string_view more :
       {R"("crit":["b64"],"b64":false)", R"("crit":["exp"],"exp":1)", R"("crit":[])", R"("crit":null)",
        R"("crit":"b64")", R"("crit":["alg"])", R"("crit":["x"])", R"("crit":[""],"":1)", R"("crit":{})",
        R"("b64":false)", R"("b64":null)", R"("b64":"false")", R"("b64":0)"})
    vectors.push_back({"extension: " + std::string(more), secret_keys(),
                       with_header(R"({"alg":"HS256",)" + std::string(more) + "}"), Cause::token_malformed});
  // Without the encoding that b64 turns off, the signature is over the bare claims (RFC 7797 section 3).
  const std::string header = encode_base64url(R"({"alg":"HS256","b64":false,"crit":["b64"]})");
  const std::string text = header + '.' + std::string(good_claims);
  vectors.push_back({"extension: a payload without base64url", secret_keys(),
                     text + '.' + encode_base64url(sign_for(Algorithm::hs256, text)),
                     Cause::token_malformed});
  for (std::string_view more :
       {R"("b64":true)", R"("typ":"JWT")", R"("typ":"at+jwt")", R"("typ":7)", R"("cty":"json")",
        R"("zip":"DEF")", R"("iss":"https://other.test")", R"("x":{"crit":["b64"]})"})
    vectors.push_back({"extension: " + std::string(more) + " changes nothing", secret_keys(),
                       with_header(R"({"alg":"HS256",)" + std::string(more) + "}")});
}

void add_key_ids(Vectors& vectors) {
  Json jwk = secret_jwk();
  jwk["kid"] = "k1";
  const std::string keys = key_set({jwk});
  const auto add = [&](std::string_view kid, std::optional<Cause> refused) {
    vectors.push_back({"kid: " + std::string(kid), keys,
                       with_header(R"({"alg":"HS256","kid":)" + std::string(kid) + "}"), refused});
  };
  add(R"("k1")", std::nullopt);
  add(R"("\u006b1")", std::nullopt);  // another spelling of the same name
  for (std::string_view kid : {R"("")", R"("K1")", R"("k1 ")", R"("k")", R"("k1\u0000")", R"("k1\n")",
                               R"("../../dev/null")", R"("/dev/null")", R"("https://evil.test/k1")",
                               R"("k1' OR '1'='1")", R"("k1|id")", R"("\uff4b1")", R"("k\u200b1")"})
    add(kid, Cause::token_key_unknown);
  for (std::string_view kid : {"1", "1.5", "true", "null", R"(["k1"])", R"({"kid":"k1"})", R"("\ud800")"})
    add(kid, Cause::token_malformed);
  vectors.push_back({"kid: of 4 KiB", keys,
                     with_header(R"({"alg":"HS256","kid":")" + std::string(4096, 'k') + "\"}"),
                     Cause::token_key_unknown});
  vectors.push_back({"kid: none, where every key has one", keys, with_header(R"({"alg":"HS256"})")});
  vectors.push_back(
      {"kid: any, where no key has one", secret_keys(), with_header(R"({"alg":"HS256","kid":"any"})")});
}

void add_keys_that_come_along(Vectors& vectors) {
  const support::SigningKey& stranger = support::other_rsa_key();
  const std::string keys = key_set({support::rsa_key().public_jwk()});
  const struct {
    std::string_view name;
    Json value;
  } members[] = {{"jwk", stranger.public_jwk()},
                 {"jku", "https://evil.test/jwks.json"},
                 {"x5u", "file:///dev/zero"},
                 {"x5c", {stranger.certificate_pem()}},
                 {"x5t", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"}};
  for (const auto& [name, value] : members) {
    const std::string header = Json({{"alg", "RS256"}, {name, value}}).dump();
    vectors.push_back({"embedded: " + std::string(name) + " of a stranger, who has signed", keys,
                       make_token_with_header(stranger, Algorithm::rs256, header, good_claims),
                       Cause::token_signature});
    vectors.push_back({"embedded: " + std::string(name) + " beside the signature of the key", keys,
                       make_token_with_header(support::rsa_key(), Algorithm::rs256, header, good_claims)});
  }
}

void add_texts(Vectors& vectors) {
  const std::string deep = R"({"alg":"HS256","x":)" + std::string(8, '[') + std::string(8, ']') + "}";
  const std::string very_deep =
      R"({"alg":"HS256","x":)" + std::string(4000, '[') + std::string(4000, ']') + "}";
  for (std::string_view header : {""sv,
                                  "{"sv,
                                  "[]"sv,
                                  "null"sv,
                                  "\"HS256\""sv,
                                  "1"sv,
                                  "{}{}"sv,
                                  R"({"alg":"HS256"})"
                                  "x"sv,
                                  R"({"alg":"HS256",})"sv,
                                  R"({'alg':'HS256'})"sv,
                                  R"({alg:"HS256"})"sv,
                                  R"({"alg":"HS256"/**/})"sv,
                                  R"({"alg":"HS256","alg":"HS256"})"sv,
                                  R"({"alg":"none","alg":"HS256"})"sv,
                                  R"({"alg":"HS256","\u0061lg":"none"})"sv,
                                  R"({"alg":"HS256","x":{"a":1,"a":2}})"sv,
                                  R"({"alg":"HS256","kid":"a","kid":"b"})"sv,
                                  "{\"alg\":\"HS256\"}\0"sv,
                                  "\0{\"alg\":\"HS256\"}"sv,
                                  "\xef\xbb\xbf{\"alg\":\"HS256\"}"sv,
                                  "\xff\xfe{\0}\0"sv,
                                  "{\"alg\":\"HS256\",\"x\":\"\xff\"}"sv,
                                  "{\"alg\":\"HS256\",\"x\":\"\xc0\xaf\"}"sv,
                                  "{\"alg\":\"HS256\",\"x\":\"\xed\xa0\x80\"}"sv,
                                  "{\"alg\":\"HS256\",\"x\":\"\xf4\x90\x80\x80\"}"sv,
                                  "{\"alg\":\"HS256\",\"x\":\"a\nb\"}"sv,
                                  "{\"alg\":\"HS256\",\"x\":\"a\tb\"}"sv,
                                  "{\"alg\":\"HS256\",\"x\":\"\x01\"}"sv,
                                  R"({"alg":"HS256","x":"\ud800"})"sv,
                                  R"({"alg":"HS256","x":"\x41"})"sv,
                                  R"({"alg":"HS256","x":01})"sv,
                                  R"({"alg":"HS256","x":+1})"sv,
                                  R"({"alg":"HS256","x":NaN})"sv,
                                  R"({"alg":"HS256","x":1e999})"sv,
                                  "\xc2\xa0{\"alg\":\"HS256\"}"sv,
                                  "\v{\"alg\":\"HS256\"}"sv,
                                  std::string_view(deep),
                                  std::string_view(very_deep)})
    vectors.push_back(
        {"header text: " +
             Json(std::string(header.substr(0, 60))).dump(-1, ' ', true, Json::error_handler_t::replace) +
             " (" + std::to_string(header.size()) + " bytes)",
         secret_keys(), with_header(header), Cause::token_malformed});
  for (std::string_view header :
       {" {\r\n\t\"alg\" : \"HS256\" } "sv, R"({"\u0061\u006c\u0067":"\u0048S256"})"sv,
        R"({"alg":"HS256","x":[[[[[[1]]]]]]})"sv,
        "{\"alg\":\"HS256\",\"x\":\"J\xc3\xbcrgen \xf0\x9f\x94\x91\"}"sv,
        "{\"alg\":\"HS256\",\"x\":\"\x7f\"}"sv, R"({"alg":"HS256","x":"\u0000"})"sv})
    vectors.push_back(
        {"header text: " + std::string(header) + " is good", secret_keys(), with_header(header)});
}

}  // namespace

Vectors header_vectors() {
  Vectors vectors;
  add_algorithms(vectors);
  add_confusions(vectors);
  add_extensions(vectors);
  add_key_ids(vectors);
  add_keys_that_come_along(vectors);
  add_texts(vectors);
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: headers") { postern::vectors::check_vectors(postern::vectors::header_vectors()); }
