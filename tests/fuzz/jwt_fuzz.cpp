// The first byte says what the rest is: a token, a payload or a header that is then well signed, a JWKS or a
// PEM text. Whatever is accepted must keep the promises of its contract.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "crypto/base64.h"
#include "policy/jwt_verifier.h"
#include "support/keyed_verifier.h"
#include "support/rfc_tokens.h"

namespace {

using postern::base::check;
using postern::base::Json;
using postern::crypto::Algorithm;
using postern::crypto::encode_base64url;
using postern::policy::ClaimCondition;
using postern::policy::JwtRules;
using postern::state::KeySet;
using postern::support::KeyedVerifier;

constexpr int64_t now = 1300819379;  // one second before the example of RFC 7515 A.1 expires
constexpr std::string_view secret = "a secret that only this test knows";

KeyedVerifier make_verifier(bool strict) {
  std::string keys = postern::support::rfc_key_set(encode_base64url(secret));
  auto set = KeySet::from_jwks(keys, {});
  check(set.has_value() && set->keys().size() == 4, "the keys of the test are good");
  JwtRules rules;
  rules.require_expiry = strict;
  rules.leeway = std::chrono::seconds(strict ? 5 : 0);
  if (strict) {
    rules.issuer = "joe";
    rules.audiences = {"api"};
    ClaimCondition subject;
    subject.kind = ClaimCondition::Kind::present;
    subject.claim = "sub";
    rules.required_claims = {ClaimCondition::is("realm.roles", {"admin"}), subject};
  }
  return KeyedVerifier(std::move(rules), std::move(*set));
}

const KeyedVerifier& strict_verifier() {
  static const KeyedVerifier verifier = make_verifier(true);
  return verifier;
}

const KeyedVerifier& lax_verifier() {
  static const KeyedVerifier verifier = make_verifier(false);
  return verifier;
}

std::string well_signed(std::string_view header, std::string_view payload) {
  static const postern::crypto::HmacKey key(Algorithm::hs256, secret);
  std::string token = encode_base64url(header) + '.' + encode_base64url(payload);
  return token + '.' + encode_base64url(key.sign(token));
}

void check_refusal(const postern::policy::TokenError& refusal) {
  check(!refusal.detail.empty() && refusal.detail.size() < 300, "a refusal is a sentence");
  check(
      std::all_of(refusal.detail.begin(), refusal.detail.end(), [](char c) { return c >= ' ' && c <= '~'; }),
      "a refusal is printable");
}

void try_token(const KeyedVerifier& verifier, const std::string& token) {
  auto verdict = verifier.verify(token, now);
  if (!verdict) return check_refusal(verdict.error());
  const auto& verified = **verdict;
  check(now < verified.accepted_until(), "no expired token is accepted");
  check(verified.expires_at() <= verified.accepted_until(), "leeway only lengthens");
  check(std::count(token.begin(), token.end(), '.') == 2, "a token has three parts");
  check(!verifier.verify(token + '=', now) && !verifier.verify(token + '\n', now), "nothing may follow");
  for (std::string_view name : {"sub", "iss", "aud", "realm.roles", "a", "a.b"}) {
    auto text = verified.claim(name);
    check(!text || verified.has(name), "a claim with a text is there");
    bool clean = !text || std::none_of(text->begin(), text->end(),
                                       [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    check(clean, "a claim's text fits a header");
  }
  if (&verifier == &strict_verifier()) {
    check(verified.claim("iss") == "joe", "the issuer is the expected one");
    check(verified.claim_is("aud", "api") && verified.claim_is("realm.roles", "admin") && verified.has("sub"),
          "all that is required is there");
  }
}

void try_header(std::string_view header) {
  auto verdict = lax_verifier().verify(well_signed(header, "{}"), now);
  if (!verdict) return check_refusal(verdict.error());
  auto json = postern::base::parse_json(header);
  check(json.has_value(), "an accepted header is JSON");
  check(*postern::base::find_string(*json, "alg") == "HS256", "the header names the key's algorithm");
  check(postern::base::find_member(*json, "crit") == nullptr, "crit is never accepted");
}

void check_keys(const KeySet::Made& made) {
  if (!made) {
    check(!made.error().empty(), "an error is a sentence");
    return;
  }
  check(!made->keys().empty(), "a set has keys");
  for (const auto& key : made->keys()) {
    check(!key.algorithms().empty(), "a key is for something");
    for (int index = 0; index < postern::crypto::algorithm_count; ++index)
      check(!key.verify(static_cast<Algorithm>(index), "data", "signature"), "nonsense never verifies");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 't': try_token(lax_verifier(), std::string(rest)); break;
    case 'p':
      try_token(lax_verifier(), well_signed(R"({"alg":"HS256"})", rest));
      try_token(strict_verifier(), well_signed(R"({"alg":"HS256"})", rest));
      break;
    case 'h': try_header(rest); break;
    case 'j': check_keys(KeySet::from_jwks(rest, {})); break;
    case 'k': check_keys(KeySet::from_file_text(rest, {})); break;
    default: break;
  }
  return 0;
}
