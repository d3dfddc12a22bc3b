#include "policy/jwt_verifier.h"

#include <doctest/doctest.h>

#include <limits>

#include "base/error.h"
#include "crypto/base64.h"
#include "policy/jwt_signer.h"
#include "support/jwt_keys.h"
#include "support/keyed_verifier.h"
#include "support/rfc_tokens.h"

using namespace postern::policy;
using namespace postern::support;
using postern::base::Cause;
using postern::base::Json;
using postern::crypto::Algorithm;
using postern::crypto::AlgorithmFamily;
using postern::crypto::decode_base64url;
using postern::crypto::encode_base64url;
using postern::crypto::HmacKey;
using postern::state::KeySet;

namespace {

constexpr int64_t now = 1'700'000'000;  // 2023-11-14T22:13:20Z
constexpr std::string_view secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr std::string_view hs256_header = R"({"alg":"HS256"})";

KeySet must(KeySet::Made made) {
  REQUIRE_MESSAGE(made.has_value(), made.error());
  return std::move(*made);
}

KeySet secret_keys() { return must(KeySet::from_secret(secret, {})); }
KeySet rsa_keys() { return must(KeySet::from_pem(rsa_key().public_pem(), {})); }

JwtRules lax() {
  JwtRules rules;
  rules.leeway = std::chrono::seconds(0);
  rules.require_expiry = false;
  return rules;
}

std::string signed_claims(std::string_view payload) {
  return make_hmac_token(Algorithm::hs256, secret, hs256_header, payload);
}

// Returns "ok", or the label of the cause.
std::string outcome(const KeyedVerifier& verifier, std::string_view token, int64_t time = now) {
  auto verdict = verifier.verify(token, time);
  return std::string(verdict ? "ok" : postern::base::traits(verdict.error().cause).label);
}

std::string detail(const KeyedVerifier& verifier, std::string_view token, int64_t time = now) {
  auto verdict = verifier.verify(token, time);
  REQUIRE_FALSE(verdict.has_value());
  return verdict.error().detail;
}

// Returns the outcome for a validly signed payload under these rules.
std::string judged(const JwtRules& rules, std::string_view payload, int64_t time = now) {
  return outcome(KeyedVerifier(rules, secret_keys()), signed_claims(payload), time);
}

}  // namespace

TEST_CASE("jwt: a good token of every algorithm is accepted by its key and by no other") {
  for (int index = 0; index < postern::crypto::algorithm_count; ++index) {
    auto algorithm = static_cast<Algorithm>(index);
    CAPTURE(std::string(name(algorithm)));
    Json claims = {{"sub", "u1"}, {"exp", now + 60}};
    if (family(algorithm) == AlgorithmFamily::hmac) {
      KeyedVerifier verifier({}, must(KeySet::from_secret(secret, {algorithm})));
      CHECK(outcome(verifier, sign_jwt(HmacKey(algorithm, secret), claims)) == "ok");
      CHECK(outcome(verifier, sign_jwt(HmacKey(algorithm, "another"), claims)) == "token_signature");
      continue;
    }
    KeyedVerifier verifier({}, must(KeySet::from_pem(key_for(algorithm).public_pem(), {algorithm})));
    auto verdict = verifier.verify(make_token(key_for(algorithm), algorithm, claims), now);
    REQUIRE(verdict.has_value());
    CHECK((*verdict)->subject() == "u1");
    CHECK((*verdict)->expires_at() == now + 60);
  }
}

TEST_CASE("jwt: a JWK whose numbers are padded verifies the tokens of its key, and no others") {
  const Json claims = {{"sub", "u1"}, {"exp", now + 60}};
  Json rsa = rsa_key().public_jwk();
  rsa["n"] = std::string(rsa["n"]) + "==";
  const KeyedVerifier of_rsa({}, must(KeySet::from_jwks(rsa.dump(), {Algorithm::rs256})));
  CHECK(outcome(of_rsa, make_token(rsa_key(), Algorithm::rs256, claims)) == "ok");
  CHECK(outcome(of_rsa, make_token(other_rsa_key(), Algorithm::rs256, claims)) == "token_signature");
  Json ec = p256_key().public_jwk();
  for (const char* member : {"x", "y"}) ec[member] = std::string(ec[member]) + "=";
  const KeyedVerifier of_ec({}, must(KeySet::from_jwks(ec.dump(), {Algorithm::es256})));
  CHECK(outcome(of_ec, make_token(p256_key(), Algorithm::es256, claims)) == "ok");
}

TEST_CASE("jwt: a token signed with the wrong key is refused") {
  KeyedVerifier verifier({}, rsa_keys());
  std::string token = make_token(other_rsa_key(), Algorithm::rs256, {{"exp", now + 60}});
  CHECK(outcome(verifier, token) == "token_signature");
}

TEST_CASE("jwt: alg none is refused in every spelling, with and without a signature") {
  KeyedVerifier shared(lax(), secret_keys());
  KeyedVerifier pair(lax(), rsa_keys());
  for (std::string_view alg : {"none", "None", "NONE", "nOnE", "", "HS256 ", "hs256"}) {
    std::string header = Json({{"alg", alg}}).dump();
    CHECK(outcome(shared, join_token(header, "{}", "")) == "token_algorithm");
    CHECK(outcome(pair, join_token(header, "{}", "")) == "token_algorithm");
    CHECK(outcome(shared, make_hmac_token(Algorithm::hs256, secret, header, "{}")) == "token_algorithm");
  }
}

TEST_CASE("jwt: HS256 signed with the RSA public key as the secret is refused") {
  KeyedVerifier verifier(lax(), rsa_keys());
  std::string pem = rsa_key().public_pem();
  for (const std::string& text : {pem, pem.substr(0, pem.size() - 1), rsa_key().certificate_pem()})
    CHECK(outcome(verifier, make_hmac_token(Algorithm::hs256, text, hs256_header, "{}")) ==
          "token_algorithm");
}

TEST_CASE("jwt: the header's alg chooses nothing, it must be the key's") {
  Json ec = p256_key().public_jwk();
  ec["kid"] = "ec";
  Json rsa = rsa_key().public_jwk();
  rsa["kid"] = "rsa";
  rsa["alg"] = "RS256";
  KeyedVerifier verifier(lax(), must(KeySet::from_jwks(Json({{"keys", {ec, rsa}}}).dump(), {})));
  CHECK(outcome(verifier, make_token(rsa_key(), Algorithm::rs256, {}, "rsa")) == "token_malformed");
  Json claims = {{"sub", "u"}};
  CHECK(outcome(verifier, make_token(rsa_key(), Algorithm::rs256, claims, "rsa")) == "ok");
  CHECK(outcome(verifier, make_token(rsa_key(), Algorithm::rs512, claims, "rsa")) == "token_algorithm");
  CHECK(outcome(verifier, make_token(rsa_key(), Algorithm::ps256, claims, "rsa")) == "token_algorithm");
  CHECK(outcome(verifier, make_token(rsa_key(), Algorithm::rs256, claims, "ec")) == "token_algorithm");
  CHECK(outcome(verifier, make_token(p256_key(), Algorithm::es256, claims, "ec")) == "ok");
  CHECK(outcome(verifier, make_token(p256_key(), Algorithm::es256, claims)) == "ok");
  CHECK(detail(verifier, make_token(rsa_key(), Algorithm::rs512, claims, "rsa")) ==
        "The token is signed with RS512, which its key is not for.");
}

TEST_CASE("jwt: PS and RS signatures are not taken for each other") {
  KeyedVerifier verifier(lax(), rsa_keys());
  std::string text = R"({"alg":"RS256"})";
  CHECK(outcome(verifier, make_token_with_header(rsa_key(), Algorithm::ps256, text, "{}")) ==
        "token_signature");
  text = R"({"alg":"PS256"})";
  CHECK(outcome(verifier, make_token_with_header(rsa_key(), Algorithm::rs256, text, "{}")) ==
        "token_signature");
  CHECK(outcome(verifier, make_token_with_header(rsa_key(), Algorithm::ps256, text, "{}")) == "ok");
}

TEST_CASE("jwt: the rules' list of algorithms is final") {
  JwtRules rules = lax();
  rules.algorithms = {Algorithm::ps256, Algorithm::rs512};
  KeyedVerifier verifier(rules, rsa_keys());
  std::string token = make_token(rsa_key(), Algorithm::rs256, {{"sub", "u"}});
  CHECK(detail(verifier, token) == "The token is signed with RS256; allowed: RS512, PS256.");
}

TEST_CASE("jwt: a kid only names a key") {
  Json jwk = rsa_key().public_jwk();
  jwk["kid"] = "k1";
  KeyedVerifier verifier(lax(), must(KeySet::from_jwks(Json({{"keys", {jwk}}}).dump(), {})));
  auto with_kid = [&](const Json& kid) {
    return outcome(verifier, make_token_with_header(rsa_key(), Algorithm::rs256,
                                                    Json({{"alg", "RS256"}, {"kid", kid}}).dump(), "{}"));
  };
  CHECK(with_kid("k1") == "ok");
  for (const char* kid : {"", "K1", "k1\n", "../../dev/null", "/etc/passwd", "https://evil.example/k1",
                          "k1' UNION SELECT 'x", "k1|ls"})
    CHECK(with_kid(kid) == "token_key_unknown");
  CHECK(with_kid(std::string("k1\0", 3)) == "token_key_unknown");
  CHECK(with_kid(1) == "token_malformed");
  CHECK(with_kid(nullptr) == "token_malformed");
  CHECK(with_kid({"k1"}) == "token_malformed");
}

TEST_CASE("jwt: keys inside or behind the header are not looked at") {
  KeyedVerifier verifier(lax(), rsa_keys());
  Json header = {{"alg", "RS256"},
                 {"jwk", other_rsa_key().public_jwk()},
                 {"jku", "https://evil.example/jwks.json"},
                 {"x5u", "file:///dev/zero"},
                 {"x5c", {"AAAA"}}};
  CHECK(outcome(verifier, make_token_with_header(other_rsa_key(), Algorithm::rs256, header.dump(), "{}")) ==
        "token_signature");
  CHECK(outcome(verifier, make_token_with_header(rsa_key(), Algorithm::rs256, header.dump(), "{}")) == "ok");
}

TEST_CASE("jwt: crit is refused, whatever it holds") {
  KeyedVerifier verifier(lax(), secret_keys());
  for (std::string_view crit : {R"(["exp"])", R"(["b64"])", "[]", "null"}) {
    std::string header = R"({"alg":"HS256","b64":false,"crit":)" + std::string(crit) + "}";
    CHECK(outcome(verifier, make_hmac_token(Algorithm::hs256, secret, header, "{}")) == "token_malformed");
  }
}

TEST_CASE("jwt: a payload is in base64url, whatever the header says") {
  KeyedVerifier verifier(lax(), secret_keys());
  const std::string token = make_hmac_token(Algorithm::hs256, secret, R"({"alg":"HS256","b64":false})", "{}");
  CHECK(detail(verifier, token) == "The token's header has a b64 other than true.");
}

TEST_CASE("jwt: headers that are no good JSON object are refused, also when well signed") {
  KeyedVerifier verifier(lax(), secret_keys());
  using namespace std::string_view_literals;
  for (std::string_view header :
       {""sv, "{"sv, "[]"sv, "null"sv, "{}"sv, R"({"alg":1})"sv, R"({"alg":["HS256"]})"sv,
        R"({"alg":null})"sv, R"({"alg":"HS256","alg":"HS256"})"sv, R"({"alg":"HS256","\u0061lg":"HS256"})"sv,
        R"({"alg":"HS256"}x)"sv, "{\"alg\":\"HS256\"}\0"sv, "{\"alg\":\"HS256\",\"x\":\"\xff\"}"sv,
        R"({"alg":"HS256","x":[[[[[[[[[1]]]]]]]]]})"sv, R"({"ALG":"HS256"})"sv})
    CHECK_MESSAGE(
        outcome(verifier, make_hmac_token(Algorithm::hs256, secret, header, "{}")) == "token_malformed",
        std::string(header));
}

TEST_CASE("jwt: payloads that are no good JSON object are refused, also when well signed") {
  using namespace std::string_view_literals;
  for (std::string_view payload :
       {""sv, "{"sv, "[]"sv, "null"sv, "\"x\""sv, "1"sv, R"({"sub":"a","sub":"b"})"sv,
        R"({"exp":1,"\u0065xp":99999999999})"sv, "{}{}"sv, "{}\0"sv, "{\"a\":\"\xff\"}"sv})
    CHECK_MESSAGE(judged(lax(), payload) == "token_malformed", std::string(payload));
  std::string deep = R"({"a":)" + std::string(32, '[') + std::string(32, ']') + "}";
  CHECK(judged(lax(), deep) == "token_malformed");
  CHECK(judged(lax(), " {\r\n} ") == "ok");
}

TEST_CASE("jwt: a token has three parts") {
  KeyedVerifier verifier(lax(), secret_keys());
  std::string token = signed_claims("{}");
  CHECK(outcome(verifier, token) == "ok");
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), std::string("..."),
                                  std::string("...."), "." + token, token + ".", token + ".x",
                                  token.substr(0, token.rfind('.')), token.substr(0, token.rfind('.') + 1),
                                  token.substr(token.find('.') + 1), token.substr(token.find('.'))})
    CHECK_MESSAGE(outcome(verifier, text) == "token_malformed", text);
  CHECK(detail(verifier, "a.b.c.d.e") == "The token is encrypted (JWE); a signed one is needed.");
}

TEST_CASE("jwt: no byte may be added, cut or changed anywhere") {
  KeyedVerifier verifier(lax(), must(KeySet::from_pem(p256_key().public_pem(), {})));
  std::string token = make_token(p256_key(), Algorithm::es256, {{"sub", "u1"}});
  REQUIRE(outcome(verifier, token) == "ok");
  for (size_t index = 0; index <= token.size(); ++index) {
    for (char extra : {' ', '\n', '\t', '=', 'A', '\0'})
      CHECK(outcome(verifier, token.substr(0, index) + extra + token.substr(index)) != "ok");
    if (index == token.size()) continue;
    CHECK(outcome(verifier, token.substr(0, index)) != "ok");
    CHECK(outcome(verifier, token.substr(0, index) + token.substr(index + 1)) != "ok");
    std::string other = token;
    other[index] = other[index] == 'A' ? 'B' : 'A';
    CHECK(outcome(verifier, other) != "ok");
  }
}

TEST_CASE("jwt: another spelling of the same signature is refused") {
  KeyedVerifier verifier(lax(), secret_keys());
  std::string token = signed_claims(R"({"sub":"u1"})");  // 43 characters of signature have two unused bits
  for (char last : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
    std::string other = token;
    other.back() = last;
    CHECK((outcome(verifier, other) == "ok") == (last == token.back()));
  }
  CHECK(outcome(verifier, token + "=") == "token_malformed");
  CHECK(outcome(verifier, token + "==") == "token_malformed");
}

TEST_CASE("jwt: the signature covers the bytes that came, not the JSON they mean") {
  KeyedVerifier verifier(lax(), secret_keys());
  HmacKey key(Algorithm::hs256, secret);
  std::string signature = key.sign(signed_text(hs256_header, R"({"a":1})"));
  CHECK(outcome(verifier, join_token(hs256_header, R"({"a":1})", signature)) == "ok");
  CHECK(outcome(verifier, join_token(hs256_header, R"({"a": 1})", signature)) == "token_signature");
}

TEST_CASE("jwt: ECDSA signatures of another length, in DER, or with zero are refused") {
  KeyedVerifier verifier(lax(), must(KeySet::from_pem(p256_key().public_pem(), {})));
  std::string_view header = R"({"alg":"ES256"})";
  std::string signature = p256_key().sign(Algorithm::es256, signed_text(header, "{}"));
  REQUIRE(outcome(verifier, join_token(header, "{}", signature)) == "ok");
  std::string r = signature.substr(0, 32);
  std::string s = signature.substr(32);
  std::string zero(32, '\0');
  for (const std::string& bad :
       {signature.substr(1), signature.substr(0, 63), signature + '\0', '\0' + r + '\0' + s, zero + s,
        r + zero, zero + zero, std::string(64, '\xff')})
    CHECK(outcome(verifier, join_token(header, "{}", bad)) == "token_signature");
  CHECK(outcome(verifier, join_token(header, "{}", "")) == "token_malformed");
}

TEST_CASE("jwt: a token is taken at 16 KiB and refused one byte above") {
  KeyedVerifier verifier(lax(), secret_keys());
  size_t frame = signed_claims("{}").size() - encode_base64url("{}").size();
  size_t room = JwtVerifier::most_token_size - frame;  // characters for the payload
  std::string at_limit =
      signed_claims("{}" + std::string(room / 4 * 3 + (room % 4 == 0 ? 0 : room % 4 - 1) - 2, ' '));
  REQUIRE(at_limit.size() == JwtVerifier::most_token_size);
  CHECK(outcome(verifier, at_limit) == "ok");
  CHECK(outcome(verifier, at_limit + "A") == "token_malformed");
  CHECK(detail(verifier, std::string(1 << 20, '.')) == "The token is larger than 16 KiB.");
}

TEST_CASE("jwt: the signature is judged before any claim") {
  KeyedVerifier verifier({}, secret_keys());
  CHECK(outcome(verifier, make_hmac_token(Algorithm::hs256, "another", hs256_header, R"({"exp":1})")) ==
        "token_signature");
  CHECK(outcome(verifier, make_hmac_token(Algorithm::hs256, "another", hs256_header, "no json")) ==
        "token_signature");
}

TEST_CASE("jwt: no refusal repeats a part of the token") {
  JwtRules rules;
  rules.issuer = "https://id.example.org/";
  KeyedVerifier verifier(
      rules, must(KeySet::from_jwks(
                 R"({"keys":[{"kty":"oct","kid":"k","k":")" + encode_base64url(secret) + "\"}]}", {})));
  constexpr std::string_view marker = "PRIVATE-MARKER";
  auto text = [&](std::string_view header, std::string_view payload) {
    return make_hmac_token(Algorithm::hs256, secret, header, payload);
  };
  for (const std::string& token :
       {text(R"({"alg":"PRIVATE-MARKER"})", "{}"), text(R"({"alg":"HS256","kid":"PRIVATE-MARKER"})", "{}"),
        text(R"({"alg":"HS256","PRIVATE-MARKER":1,"PRIVATE-MARKER":1})", "{}"),
        text(hs256_header, R"({"exp":"PRIVATE-MARKER"})"), text(hs256_header, "PRIVATE-MARKER"),
        text(hs256_header, R"({"exp":1800000000,"iss":"PRIVATE-MARKER"})"), std::string("PRIVATE-MARKER"),
        std::string("PRIVATE-MARKER.PRIVATE-MARKER.PRIVATE-MARKER")}) {
    std::string said = detail(verifier, token);
    CHECK_FALSE(said.empty());
    CHECK(said.find(marker) == std::string::npos);
    CHECK(said.find(std::string_view(token).substr(0, 12)) == std::string::npos);
  }
}

TEST_CASE("jwt: the examples of RFC 7515 A.1 to A.3 verify and are long expired") {
  JwtRules rules = lax();
  rules.issuer = "joe";
  KeyedVerifier verifier(rules, must(KeySet::from_jwks(rfc_key_set(rfc7515_secret), {})));
  auto token = [](std::string_view header, std::string_view signature) {
    return std::string(header) + '.' + std::string(rfc7515_payload) + '.' + std::string(signature);
  };
  for (const std::string& text : {token(rfc7515_hs256_header, rfc7515_hs256_signature),
                                  token(rfc7515_rs256_header, rfc7515_rs256_signature),
                                  token(rfc7515_es256_header, rfc7515_es256_signature)}) {
    auto verdict = verifier.verify(text, 1300819379);
    REQUIRE_MESSAGE(verdict.has_value(), verdict.error().detail);
    CHECK((*verdict)->claim("http://example.com/is_root") == "true");
    CHECK((*verdict)->expires_at() == 1300819380);
    CHECK(outcome(verifier, text, 1300819380) == "token_expired");
  }
}

TEST_CASE("jwt: the example of RFC 8037 A.4 is genuine but no JSON") {
  KeyedVerifier verifier(lax(), must(KeySet::from_jwks(rfc_key_set(rfc7515_secret), {})));
  std::string token = std::string(rfc8037_signed_text) + '.' + std::string(rfc8037_signature);
  CHECK(detail(verifier, token) == "The token's payload is not valid JSON.");
}

TEST_CASE("jwt: every verifier has an identity of its own") {
  KeyedVerifier first(lax(), secret_keys());
  KeyedVerifier second(lax(), secret_keys());
  CHECK(first.identity() != second.identity());
}

TEST_CASE("jwt: the signer's tokens are accepted and carry the key's algorithm") {
  std::string token = sign_jwt(HmacKey(Algorithm::hs512, secret), {{"sub", "demo"}, {"exp", now + 1}});
  CHECK(decode_base64url(token.substr(0, token.find('.'))) == R"({"alg":"HS512","typ":"JWT"})");
  CHECK(outcome(KeyedVerifier({}, secret_keys()), token) == "ok");
}
