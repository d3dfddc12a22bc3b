// What RFC 7515 (appendix A), RFC 7520 (section 4) and RFC 8037 (appendix A) print. None of them is a token
// that is good now: those of RFC 7515 have expired, and the payloads of the others are no JSON. Either is
// found out only after the signature has been found to fit, and with one byte changed the verdict is another.
#include <doctest/doctest.h>

#include "base/error.h"
#include "crypto/base64.h"
#include "jwt_vectors.h"
#include "support/rfc_tokens.h"

namespace postern::vectors {

using base::Cause;
using base::Json;

namespace {

constexpr std::string_view rfc7520_payload =
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9h"
    "ZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3"
    "ZXB0IG9mZiB0by4";
constexpr std::string_view rfc7520_modulus =
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKr"
    "Kb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5l"
    "FHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__"
    "kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";

struct Printed {
  std::string_view name;
  Json key;
  std::string header;
  std::string_view payload;
  std::string_view signature;
  Cause genuine;
};

Json rsa(std::string_view modulus) { return {{"kty", "RSA"}, {"n", modulus}, {"e", "AQAB"}}; }
Json oct(std::string_view text) { return {{"kty", "oct"}, {"k", text}}; }

std::string hobbit(std::string_view algorithm) {
  return crypto::encode_base64url(R"({"alg":")" + std::string(algorithm) +
                                  R"(","kid":"bilbo.baggins@hobbiton.example"})");
}

std::vector<Printed> printed() {
  using namespace support;
  const std::string_view okp = rfc8037_signed_text;
  return {
      {"RFC 7515 A.1, HS256", oct(rfc7515_secret), std::string(rfc7515_hs256_header), rfc7515_payload,
       rfc7515_hs256_signature, Cause::token_expired},
      {"RFC 7515 A.2, RS256", rsa(rfc7515_modulus), std::string(rfc7515_rs256_header), rfc7515_payload,
       rfc7515_rs256_signature, Cause::token_expired},
      {"RFC 7515 A.3, ES256",
       {{"kty", "EC"}, {"crv", "P-256"}, {"x", rfc7515_x}, {"y", rfc7515_y}},
       std::string(rfc7515_es256_header),
       rfc7515_payload,
       rfc7515_es256_signature,
       Cause::token_expired},
      {"RFC 7520 4.1, RS256", rsa(rfc7520_modulus), hobbit("RS256"), rfc7520_payload,
       "MRjdkly7_-"
       "oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB"
       "-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_"
       "qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxn"
       "t8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_"
       "fcI"
       "e8u9ipH84ogoree7vjbU5y18kDquDg",
       Cause::token_malformed},
      {"RFC 7520 4.2, PS384", rsa(rfc7520_modulus), hobbit("PS384"), rfc7520_payload,
       "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-"
       "tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6"
       "_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_"
       "ijQ7p8Vdz0TTrxUeT3"
       "lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_"
       "jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6G"
       "YmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
       Cause::token_malformed},
      {"RFC 7520 4.3, ES512",
       {{"kty", "EC"},
        {"crv", "P-521"},
        {"x", "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt"},
        {"y", "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}},
       hobbit("ES512"),
       rfc7520_payload,
       "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_"
       "sDDy"
       "YjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
       Cause::token_malformed},
      {"RFC 7520 4.4, HS256", oct("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"),
       crypto::encode_base64url(R"({"alg":"HS256","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"})"),
       rfc7520_payload, "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0", Cause::token_malformed},
      {"RFC 8037 A.4, EdDSA",
       {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", rfc8037_x}},
       std::string(okp.substr(0, okp.find('.'))),
       okp.substr(okp.find('.') + 1),
       rfc8037_signature,
       Cause::token_malformed},
  };
}

}  // namespace

Vectors published_vectors() {
  Vectors vectors;
  for (const Printed& one : printed()) {
    const std::string keys = key_set({one.key});
    const std::string head = one.header + '.' + std::string(one.payload) + '.';
    vectors.push_back(
        {std::string(one.name) + ": as printed", keys, head + std::string(one.signature), one.genuine});
    std::string other(one.signature);
    other[10] = other[10] == 'A' ? 'B' : 'A';
    vectors.push_back({std::string(one.name) + ": one letter of the signature changed", keys, head + other,
                       Cause::token_signature});
    std::string payload(one.payload);
    payload[10] = payload[10] == 'A' ? 'B' : 'A';
    vectors.push_back({std::string(one.name) + ": one letter of the payload changed", keys,
                       one.header + '.' + payload + '.' + std::string(one.signature),
                       Cause::token_signature});
  }
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: what the RFCs print") {
  postern::vectors::check_vectors(postern::vectors::published_vectors());
}
