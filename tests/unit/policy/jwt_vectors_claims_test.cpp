// Claims (RFC 7519 section 4): times of every type and size, and JSON that two readers read differently.
// Every token is signed well.
#include <doctest/doctest.h>

#include "base/error.h"
#include "crypto/base64.h"
#include "jwt_vectors.h"

namespace postern::vectors {

using base::Cause;
using base::Json;
using crypto::Algorithm;
using namespace std::string_view_literals;

namespace {

struct Time {
  std::string_view text;  // as it is written in the JSON
  std::optional<Cause> as_expiry;
  std::optional<Cause> as_start;  // as nbf or iat
};

// now is 1700000000.
constexpr std::optional<Cause> fine = std::nullopt;
constexpr Time times[] = {
    {"1700000000", Cause::token_expired, fine},
    {"1700000001", fine, Cause::token_not_yet_valid},
    {"1699999999", Cause::token_expired, fine},
    {"1699999999.9", Cause::token_expired, fine},
    {"1700000000.1", fine, Cause::token_not_yet_valid},
    {"1.7000000009e9", fine, Cause::token_not_yet_valid},
    {"17e8", Cause::token_expired, fine},
    {"0", Cause::token_expired, fine},
    {"-0", Cause::token_expired, fine},
    {"-1", Cause::token_expired, fine},
    {"-1e300", Cause::token_expired, fine},
    {"1e-300", Cause::token_expired, fine},
    {"1700000600000", fine, Cause::token_not_yet_valid},  // milliseconds, as some issuers write
    {"2147483648", fine, Cause::token_not_yet_valid},
    {"4294967296", fine, Cause::token_not_yet_valid},
    {"9223372036854775807", fine, Cause::token_not_yet_valid},
    {"9223372036854775808", fine, Cause::token_not_yet_valid},
    {"18446744073709551615", fine, Cause::token_not_yet_valid},
    {"18446744073709551616", fine, Cause::token_not_yet_valid},
    {"-9223372036854775808", Cause::token_expired, fine},
    {"-9223372036854775809", Cause::token_expired, fine},
    {"99999999999999999999999999", fine, Cause::token_not_yet_valid},
    {"1e300", fine, Cause::token_not_yet_valid},
    {"1.7976931348623157e308", fine, Cause::token_not_yet_valid},
    {"1e400", Cause::token_malformed, Cause::token_malformed},
    {"-1e400", Cause::token_malformed, Cause::token_malformed},
    {"\"1700000600\"", Cause::token_malformed, Cause::token_malformed},
    {"\"2100-01-01T00:00:00Z\"", Cause::token_malformed, Cause::token_malformed},
    {"\"\"", Cause::token_malformed, Cause::token_malformed},
    {"\"NaN\"", Cause::token_malformed, Cause::token_malformed},
    {"NaN", Cause::token_malformed, Cause::token_malformed},
    {"Infinity", Cause::token_malformed, Cause::token_malformed},
    {"-Infinity", Cause::token_malformed, Cause::token_malformed},
    {"null", Cause::token_malformed, Cause::token_malformed},
    {"true", Cause::token_malformed, Cause::token_malformed},
    {"false", Cause::token_malformed, Cause::token_malformed},
    {"[1700000600]", Cause::token_malformed, Cause::token_malformed},
    {"{}", Cause::token_malformed, Cause::token_malformed},
    {"0x7fffffff", Cause::token_malformed, Cause::token_malformed},
    {"01700000600", Cause::token_malformed, Cause::token_malformed},
    {"+1700000600", Cause::token_malformed, Cause::token_malformed},
    {"1700000600.", Cause::token_malformed, Cause::token_malformed},
    {"1_700_000_600", Cause::token_malformed, Cause::token_malformed},
};

void add(Vectors& vectors, std::string name, std::string_view claims, std::optional<Cause> refused) {
  vectors.push_back({std::move(name), secret_keys(), token_for(Algorithm::hs256, claims), refused});
}

void add_times(Vectors& vectors) {
  for (const Time& time : times) {
    for (const char* claim : {"exp", "nbf", "iat"}) {
      const std::string member = '"' + std::string(claim) + "\":" + std::string(time.text);
      add(vectors, "claims: " + member, '{' + member + '}',
          claim == "exp"sv ? time.as_expiry : time.as_start);
    }
  }
  add(vectors, "claims: no time at all", R"({"sub":"alice"})", fine);
  add(vectors, "claims: exp in another case", R"({"EXP":1,"Nbf":9999999999})", fine);
  add(vectors, "claims: exp inside another claim", R"({"x":{"exp":1}})", fine);
  add(vectors, "claims: expired and not yet valid", R"({"exp":1,"nbf":9999999999})", Cause::token_expired);
  add(vectors, "claims: exp twice", R"({"exp":1,"exp":9999999999})", Cause::token_malformed);
  add(vectors, "claims: exp twice, once escaped", R"({"exp":9999999999,"\u0065xp":1})",
      Cause::token_malformed);
}

void add_texts(Vectors& vectors) {
  const std::string deep = R"({"x":)" + std::string(31, '[') + std::string(31, ']') + "}";
  const std::string too_deep = R"({"x":)" + std::string(32, '[') + std::string(32, ']') + "}";
  const std::string very_deep = R"({"x":)" + std::string(5000, '{') + "}";
  for (std::string_view payload : {""sv,
                                   "{"sv,
                                   "[]"sv,
                                   "null"sv,
                                   "true"sv,
                                   "\"alice\""sv,
                                   "1"sv,
                                   "{}{}"sv,
                                   "{},"sv,
                                   R"({"sub":"a","sub":"b"})"sv,
                                   R"({"sub":"a","\u0073ub":"b"})"sv,
                                   R"({"x":{"a":1,"a":1}})"sv,
                                   R"({"x":[{"a":1,"a":1}]})"sv,
                                   R"({"sub":"a",})"sv,
                                   R"({"sub":undefined})"sv,
                                   R"({sub:"a"})"sv,
                                   "{}\0"sv,
                                   "\0"sv,
                                   "\xef\xbb\xbf{}"sv,
                                   "{\"sub\":\"\xff\"}"sv,
                                   "{\"sub\":\"\xc0\x80\"}"sv,
                                   "{\"sub\":\"\xed\xbf\xbf\"}"sv,
                                   "{\"sub\":\"\xf5\x80\x80\x80\"}"sv,
                                   "{\"sub\":\"\xe2\x82\"}"sv,
                                   "{\"sub\":\"a\r\nX: y\"}"sv,
                                   "{\"sub\":\"\x1f\"}"sv,
                                   R"({"sub":"\udc00"})"sv,
                                   R"({"sub":"\ud83d"})"sv,
                                   R"({"sub":"\u12"})"sv,
                                   R"({"sub":"\a"})"sv,
                                   "<claims/>"sv,
                                   "sub=alice"sv,
                                   std::string_view(too_deep),
                                   std::string_view(very_deep)})
    add(vectors,
        "claims text: " +
            Json(std::string(payload.substr(0, 60))).dump(-1, ' ', true, Json::error_handler_t::replace) +
            " (" + std::to_string(payload.size()) + " bytes)",
        payload, Cause::token_malformed);
  for (std::string_view payload :
       {"{}"sv, " \t\r\n{} \n"sv, R"({"sub":"\u0061lice"})"sv, R"({"sub":"\ud83d\udd11"})"sv,
        R"({"sub":"a\u0000b"})"sv, "{\"sub\":\"J\xc3\xbcrgen\"}"sv, R"({"":""})"sv,
        R"({"__proto__":{"admin":true}})"sv, std::string_view(deep)})
    add(vectors, "claims text: " + std::string(payload.substr(0, 60)) + " is good", payload, fine);
  // A token whose claims are another token (RFC 7519 section 5.2), and one whose payload is compressed.
  const std::string inner = token_for(Algorithm::hs256);
  const std::string header = crypto::encode_base64url(R"({"alg":"HS256","typ":"JWT","cty":"JWT"})");
  vectors.push_back({"claims: a nested token", secret_keys(), sealed(header, crypto::encode_base64url(inner)),
                     Cause::token_malformed});
  vectors.push_back({"claims: a nested token in quotes", secret_keys(),
                     sealed(header, crypto::encode_base64url('"' + inner + '"')), Cause::token_malformed});
  add(vectors, "claims: compressed", "\xab\x56\x2a\x2e\x4d\x52\xb2\x52\x4a\xcc\xc9\x4c\x4e\x55\xaa\x05\x00"sv,
      Cause::token_malformed);
}

}  // namespace

Vectors claim_vectors() {
  Vectors vectors;
  add_times(vectors);
  add_texts(vectors);
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: claims") { postern::vectors::check_vectors(postern::vectors::claim_vectors()); }
