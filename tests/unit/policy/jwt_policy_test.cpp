#include "policy/jwt_policy.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "crypto/base64.h"
#include "policy/jwt_signer.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::base::Cause;
using postern::base::Json;
using postern::crypto::Algorithm;
using postern::http::FieldId;
using postern::state::KeySet;
using postern::state::KeyStore;
using postern::state::LoadedKeys;
using Kind = JwtSource::Kind;

namespace {

constexpr int64_t now = 1'000'000'000;
constexpr std::string_view secret = "a secret of thirty-two bytes or more";

std::string token_of(Json claims, std::string_view key = secret) {
  if (!claims.contains("exp")) claims["exp"] = now + 600;
  return sign_jwt(postern::crypto::HmacKey(Algorithm::hs256, key), claims);
}

KeySet keys_of(std::string_view text) {
  auto keys = KeySet::from_secret(text, {Algorithm::hs256});
  REQUIRE(keys);
  return std::move(*keys);
}

struct JudgedRequest : postern::support::JudgedRequest {
  explicit JudgedRequest(std::string_view method = "GET", std::string_view target_text = "/")
      : postern::support::JudgedRequest(method, target_text) {
    bound.keys = {std::make_shared<const postern::state::LiveKeys>(keys_of(secret))};
  }
};

JwtOptions options_with(std::vector<JwtSource> sources = {JwtSource{}}) {
  JwtRules rules;
  rules.required_claims = {ClaimCondition::is("role", {"admin", "user"})};
  JwtOptions options;
  options.providers = {
      {"login", std::make_shared<const JwtVerifier>(std::move(rules)), 0, std::move(sources)}};
  return options;
}

const Json good = {{"sub", "alice"}, {"role", "user"}};

std::string challenge_of(Verdict& verdict) {
  for (const auto& [name, value] : verdict.response().headers)
    if (name == "WWW-Authenticate") return value;
  return {};
}

bool passes(const JwtOptions& options, postern::support::JudgedRequest& request) {
  return !JwtPolicy(options).judge(request.context).answers() && request.context.token != nullptr;
}

}  // namespace

TEST_CASE("jwt: a bearer token lets a request pass and is known afterwards") {
  const std::string field = "bearer  " + token_of(good);
  JudgedRequest request;
  request.with("Authorization", field);
  REQUIRE(passes(options_with(), request));
  CHECK(request.context.token->subject() == "alice");
  CHECK(request.context.token_query_parameter.empty());
  CHECK(request.head.headers.get(FieldId::authorization) == field);
}

TEST_CASE(
    "jwt: a missing token is challenged without an error, and the detail says where it was looked for") {
  JudgedRequest request;
  Verdict verdict = JwtPolicy(options_with({{Kind::header, "Authorization"},
                                            {Kind::cookie, "session"},
                                            {Kind::query, "token"},
                                            {Kind::subprotocol, ""}}))
                        .judge(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 401);
  CHECK(verdict.response().cause == Cause::token_missing);
  CHECK(
      verdict.response().detail ==
      "the request has no token in the field Authorization, the cookie session, the query parameter token or "
      "Sec-WebSocket-Protocol");
  CHECK(challenge_of(verdict) == "Bearer realm=\"postern\"");
}

TEST_CASE("jwt: a refused token is challenged with its error, whether or not one is required") {
  struct Case {
    std::string token;
    Cause cause;
    uint16_t status;
    std::string_view error;
  };
  const Case cases[] = {
      {token_of({{"role", "user"}, {"exp", now - 600}}), Cause::token_expired, 401, "invalid_token"},
      {token_of(good, "another secret of at least 32 bytes"), Cause::token_signature, 401, "invalid_token"},
      {"undefined", Cause::token_malformed, 401, "invalid_token"},
      {token_of({{"role", "guest"}}), Cause::token_claims, 403, "insufficient_scope"},
  };
  for (const Case& refused : cases) {
    for (bool required : {true, false}) {
      const std::string field = "Bearer " + refused.token;
      JudgedRequest request;
      request.with("Authorization", field);
      JwtOptions options = options_with();
      options.required = required;
      Verdict verdict = JwtPolicy(options).judge(request.context);
      REQUIRE(verdict.answers());
      CHECK(verdict.response().cause == refused.cause);
      CHECK(verdict.response().status == refused.status);
      const std::string challenge = challenge_of(verdict);
      CHECK(challenge.starts_with("Bearer realm=\"postern\", error=\"" + std::string(refused.error) +
                                  "\", error_description=\""));
      // Exactly six quotes: no text inside the quotes can end them.
      CHECK(std::count(challenge.begin(), challenge.end(), '"') == 6);
      CHECK(challenge.find('\\') == std::string::npos);
      CHECK(challenge.find(refused.token) == std::string::npos);
      CHECK(request.context.token == nullptr);
    }
  }
}

TEST_CASE("jwt: an optional token may be absent, and Basic is no token") {
  JwtOptions options = options_with();
  options.required = false;
  JudgedRequest none;
  CHECK_FALSE(JwtPolicy(options).judge(none.context).answers());
  CHECK(none.context.token == nullptr);
  for (std::string_view other : {"Basic eDp5", "Bearer", "Bearer  ", "Bearerx", ""}) {
    JudgedRequest request;
    request.with("Authorization", other);
    CHECK_FALSE(JwtPolicy(options).judge(request.context).answers());
  }
}

TEST_CASE("jwt: two fields that may hold a token are refused, for two readers could choose differently") {
  const std::string token = token_of(good), field = "Bearer " + token,
                    target = "/?token=" + token + "&a&token=x";
  JudgedRequest request;
  request.with("Authorization", field).with("authorization", field);
  CHECK(JwtPolicy(options_with()).judge(request.context).response().cause == Cause::token_malformed);
  JudgedRequest query("GET", target);
  REQUIRE(query.readable);
  CHECK(JwtPolicy(options_with({{Kind::query, "token"}})).judge(query.context).response().cause ==
        Cause::token_malformed);
}

TEST_CASE("jwt: a field of another name holds the token with or without the scheme") {
  const std::string token = token_of(good), field = "Bearer " + token;
  for (std::string_view value : {std::string_view(token), std::string_view(field)}) {
    JudgedRequest request;
    request.with("x-access-token", value);
    CHECK(passes(options_with({{Kind::header, "X-Access-Token"}}), request));
  }
}

TEST_CASE("jwt: a cookie holds the token, in any of the Cookie fields") {
  const std::string cookies = "b=2; session=" + token_of(good) + "; c=3";
  JudgedRequest request;
  request.with("Cookie", "a=1; session=").with("Cookie", cookies);
  CHECK(passes(options_with({{Kind::cookie, "session"}}), request));
}

TEST_CASE(
    "jwt: two cookies of the name with different values are no token, for backends disagree which counts") {
  const std::string token = token_of(good);
  const std::string twice = "session=" + token + "; session=" + token;
  const std::string different = "session=" + token + "; a=1; session=other";
  JudgedRequest same, mixed, spread;
  CHECK(passes(options_with({{Kind::cookie, "session"}}), same.with("Cookie", twice)));
  CHECK_FALSE(passes(options_with({{Kind::cookie, "session"}}), mixed.with("Cookie", different)));
  const std::string one = "session=" + token;
  spread.with("Cookie", "session=other").with("Cookie", one);
  CHECK_FALSE(passes(options_with({{Kind::cookie, "session"}}), spread));
}

TEST_CASE("jwt: a query parameter that comes twice is refused, however the second is spelled") {
  for (std::string_view second : {"token=x", "%74oken=x"}) {
    const std::string target = "/ws?token=" + token_of(good) + "&" + std::string(second);
    JudgedRequest request("GET", target);
    REQUIRE(request.readable);
    CHECK_FALSE(passes(options_with({{Kind::query, "token"}}), request));
  }
}

TEST_CASE("jwt: a query parameter that only some backends read as the token's is refused") {
  JwtOptions options = options_with({{Kind::query, "token"}});
  options.required = false;
  for (std::string_view target : {"/ws?%74oken=x", "/ws?a=1;token=x"}) {
    JudgedRequest request("GET", target);
    REQUIRE(request.readable);
    CHECK(JwtPolicy(options).judge(request.context).response().cause == Cause::token_malformed);
  }
}

TEST_CASE("jwt: a query parameter holds the token, percent-encoded or not, and is named for redaction") {
  const std::string token = token_of(good);
  std::string encoded = token;
  encoded.replace(encoded.find('.'), 1, "%2E");
  for (const std::string& text : {token, encoded}) {
    const std::string target = "/ws?a=1&token=" + text + "&b=2";
    JudgedRequest request("GET", target);
    REQUIRE(request.readable);
    const JwtPolicy policy(options_with({{Kind::query, "token"}}));
    REQUIRE_FALSE(policy.judge(request.context).answers());
    CHECK(request.context.token != nullptr);
    CHECK(request.context.token_query_parameter == "token");
    CHECK(request.target.query == std::string_view(target).substr(4));
  }
}

TEST_CASE("jwt: a refused token from the query is named for redaction too") {
  JudgedRequest request("GET", "/ws?token=wrong");
  const JwtPolicy policy(options_with({{Kind::query, "token"}}));
  CHECK(policy.judge(request.context).answers());
  CHECK(request.context.token_query_parameter == "token");
}

TEST_CASE("jwt: a subprotocol pair is used, taken out and remembered for the answer") {
  const std::string token = token_of(good);
  struct Case {
    std::string offered;
    std::string_view forwarded;
    std::string answer;
  };
  const Case cases[] = {
      {"bearer, " + token, "", "bearer"},
      {"access_token," + token + ", chat", "chat", "access_token"},
      {"chat, Bearer, " + token + ", v2.chat", "chat, v2.chat", "Bearer"},
      {"chat, bearer." + token, "chat", "bearer." + token},
  };
  for (const Case& offered : cases) {
    CAPTURE(offered.answer);
    JudgedRequest request;
    request.with("Sec-WebSocket-Protocol", offered.offered).websocket();
    REQUIRE(passes(options_with({{Kind::subprotocol, ""}}), request));
    CHECK(request.head.headers.get(FieldId::sec_websocket_protocol) == offered.forwarded);
    CHECK(request.head.headers.count(FieldId::sec_websocket_protocol) == (offered.forwarded.empty() ? 0 : 1));
    CHECK(request.context.selected_subprotocol == offered.answer);
  }
}

TEST_CASE("jwt: Kubernetes' subprotocol is decoded, taken out and remembered for the answer") {
  using postern::crypto::encode_base64url;
  const std::string marker = "base64url.bearer.authorization.k8s.io.";
  const std::string element = marker + encode_base64url(token_of(good));
  const JwtOptions options = options_with({{Kind::subprotocol, ""}});
  JudgedRequest request, only, odd_case;
  const std::string offered = element + ", base64.binary.k8s.io";
  request.with("Sec-WebSocket-Protocol", offered).websocket();
  REQUIRE(passes(options, request));
  CHECK(request.head.headers.get(FieldId::sec_websocket_protocol) == "base64.binary.k8s.io");
  CHECK(request.context.selected_subprotocol == element);
  CHECK(passes(options, only.with("Sec-WebSocket-Protocol", element).websocket()));
  CHECK(only.head.headers.count(FieldId::sec_websocket_protocol) == 0);
  const std::string upper = "Base64URL.Bearer" + element.substr(16);
  CHECK(passes(options, odd_case.with("Sec-WebSocket-Protocol", upper).websocket()));
  // A token that is not encoded, or badly, is none; without any there is no token at all.
  for (const std::string& bad : {marker + token_of(good), element + "=", element + "A", marker + "A"}) {
    CAPTURE(bad);
    JudgedRequest refused;
    refused.with("Sec-WebSocket-Protocol", bad).websocket();
    Verdict verdict = JwtPolicy(options).judge(refused.context);
    REQUIRE(verdict.answers());
    CHECK(verdict.response().cause == Cause::token_malformed);
    CHECK(verdict.response().detail.find(bad.substr(marker.size(), 8)) == std::string::npos);
  }
  JudgedRequest empty;
  empty.with("Sec-WebSocket-Protocol", marker).websocket();
  CHECK(JwtPolicy(options).judge(empty.context).response().cause == Cause::token_missing);
}

TEST_CASE("jwt: two tokens among the subprotocols are refused, or both taken out") {
  using postern::crypto::encode_base64url;
  const std::string token = token_of(good);
  const std::string forged = token_of(good, "another secret of at least 32 bytes");
  const std::string field = "Bearer " + token;
  for (const std::string& second : {"bearer, " + forged, "bearer." + forged, "access_token, " + token,
                                    "base64url.bearer.authorization.k8s.io." + encode_base64url(forged)}) {
    const std::string offered = "chat, bearer, " + token + ", " + second;
    JudgedRequest request, beside;
    request.with("Sec-WebSocket-Protocol", offered).websocket();
    Verdict verdict = JwtPolicy(options_with({{Kind::subprotocol, ""}})).judge(request.context);
    REQUIRE(verdict.answers());
    CHECK(verdict.response().cause == Cause::token_malformed);
    beside.with("Authorization", field).with("Sec-WebSocket-Protocol", offered).websocket();
    REQUIRE(passes(options_with({JwtSource{}, {Kind::subprotocol, ""}}), beside));
    CHECK(beside.head.headers.get(FieldId::sec_websocket_protocol) == "chat");
  }
}

TEST_CASE("jwt: a scheme of its own must stand before the token") {
  const std::string token = token_of(good);
  const std::vector<JwtSource> sources = {{Kind::header, "Authorization", "Token"},
                                          {Kind::header, "X-Auth", "JWT"}};
  for (const std::string& value : {"Token " + token, "token\t" + token, "TOKEN   " + token}) {
    JudgedRequest request;
    CHECK(passes(options_with(sources), request.with("Authorization", value)));
  }
  const std::string jwt = "JWT " + token;
  JudgedRequest other;
  CHECK(passes(options_with(sources), other.with("X-Auth", jwt)));
  for (const std::string& value :
       {"Bearer " + token, token, "Tokens " + token, "Token" + token, std::string("Token")}) {
    CAPTURE(value);
    JudgedRequest authorization, field;
    CHECK(JwtPolicy(options_with(sources))
              .judge(authorization.with("Authorization", value).context)
              .response()
              .cause == Cause::token_missing);
    CHECK(JwtPolicy(options_with(sources)).judge(field.with("X-Auth", value).context).response().cause ==
          Cause::token_missing);
  }
  // One field, two schemes: each is a place.
  const std::string bearer = "Bearer " + token;
  JudgedRequest both;
  CHECK(passes(options_with({{Kind::header, "Authorization", "Token"}, JwtSource{}}),
               both.with("Authorization", bearer)));
  CHECK(both.head.headers.get(FieldId::authorization) == bearer);
}

TEST_CASE("jwt: a subprotocol pair over two fields is one list") {
  const std::string token = token_of(good);
  JudgedRequest request;
  request.with("Sec-WebSocket-Protocol", "chat, bearer").with("Sec-WebSocket-Protocol", token).websocket();
  REQUIRE(passes(options_with({{Kind::subprotocol, ""}}), request));
  CHECK(request.head.headers.get(FieldId::sec_websocket_protocol) == "chat");
}

TEST_CASE("jwt: subprotocols without a token, or without an upgrade, are none") {
  JwtOptions options = options_with({{Kind::subprotocol, ""}});
  const std::string pair = "bearer, " + token_of(good);
  for (std::string_view offered : {"chat", "bearer", "chat, access_token", "bearer."}) {
    JudgedRequest request;
    request.with("Sec-WebSocket-Protocol", offered).websocket();
    CHECK(JwtPolicy(options).judge(request.context).response().cause == Cause::token_missing);
    CHECK(request.head.headers.get(FieldId::sec_websocket_protocol) == offered);
  }
  JudgedRequest plain;
  plain.with("Sec-WebSocket-Protocol", pair);
  CHECK(JwtPolicy(options).judge(plain.context).answers());
}

TEST_CASE("jwt: the first source that has a token decides, even when its token is bad") {
  const std::string field = "Bearer " + token_of(good);
  JwtOptions options = options_with({{Kind::cookie, "session"}, {Kind::header, "Authorization"}});
  JudgedRequest bad_first;
  bad_first.with("Cookie", "session=bad").with("Authorization", field);
  CHECK(JwtPolicy(options).judge(bad_first.context).answers());
  JudgedRequest empty_first;
  empty_first.with("Cookie", "session=").with("Authorization", field);
  CHECK(passes(options, empty_first));
}

TEST_CASE("jwt: white space between the scheme and the token may be spaces and tabs") {
  for (std::string_view scheme : {"Bearer ", "bearer\t", "BEARER \t ", "Bearer   "}) {
    const std::string field = std::string(scheme) + token_of(good);
    JudgedRequest request;
    CHECK(passes(options_with(), request.with("Authorization", field)));
  }
}

TEST_CASE("jwt: a cookie's token may stand in double quotes, and may have spaces around it") {
  const std::string token = token_of(good);
  for (const std::string& cookie :
       {"session=\"" + token + "\"", "session = " + token, "a=1; session=\" " + token + "\"; b=\"x\"",
        "session=\"" + token + "\"; session=" + token}) {
    CAPTURE(cookie);
    JudgedRequest request;
    CHECK(passes(options_with({{Kind::cookie, "session"}}), request.with("Cookie", cookie)));
  }
}

namespace {

// What an endpoint receives of a request whose token is in the header and which has other tokens elsewhere.
struct Others {
  std::string cookie{};
  std::string target = "/ws?a=1";
  std::string field{};
};
struct Left {
  std::string cookie;
  std::string target;
  std::string field;
};

Left left_of(const Others& others, const Json& judged = good) {
  const std::string field = "Bearer " + token_of(judged);
  JudgedRequest request("GET", others.target);
  REQUIRE(request.readable);
  request.with("Authorization", field);
  if (!others.cookie.empty()) request.with("Cookie", others.cookie);
  if (!others.field.empty()) request.with("X-Token", others.field);
  CHECK(passes(options_with({{Kind::header, "Authorization"},
                             {Kind::cookie, "session"},
                             {Kind::query, "token"},
                             {Kind::header, "X-Token"}}),
               request));
  CHECK(request.head.headers.get(FieldId::authorization) == field);
  const auto* kept = request.head.headers.find("X-Token");
  return {std::string(request.head.headers.get(FieldId::cookie)), std::string(request.head.target),
          kept ? std::string(kept->value) : std::string()};
}

}  // namespace

TEST_CASE("jwt: a token that was not judged never reaches the endpoint") {
  const std::string forged = token_of(good, "another secret of at least 32 bytes");
  const std::string of_bob = token_of({{"sub", "bob"}, {"role", "user"}});
  const std::string expired = token_of({{"sub", "alice"}, {"role", "user"}, {"exp", now - 600}});
  const std::string guest = token_of({{"sub", "alice"}, {"role", "guest"}});
  const std::string other_issuer = token_of({{"sub", "alice"}, {"role", "user"}, {"iss", "https://other"}});
  for (const std::string& bad : {forged, of_bob, expired, guest, other_issuer, std::string("undefined")}) {
    CAPTURE(bad);
    CHECK(left_of({.cookie = "session=" + bad}).cookie.empty());
    CHECK(left_of({.cookie = "a=1; session=\"" + bad + "\"; b=2"}).cookie == "a=1; b=2");
    CHECK(left_of({.cookie = "session = " + bad + "; b=2"}).cookie == "b=2");
    CHECK(left_of({.target = "/ws?token=" + bad}).target == "/ws");
    CHECK(left_of({.target = "/ws?a=1&token=" + bad + "&b=2"}).target == "/ws?a=1&b=2");
    CHECK(left_of({.target = "/ws?a=1&%74oken=" + bad}).target == "/ws?a=1");
    CHECK(left_of({.target = "/ws?a=1;token=" + bad}).target == "/ws?a=1");
    CHECK(left_of({.field = bad}).field.empty());
    CHECK(left_of({.field = "Bearer " + bad}).field.empty());
  }
  // A source that cannot be read as exactly one token is not verified.
  const std::string own = token_of(good);
  CHECK(left_of({.cookie = "session=" + own + "; a=1; session=" + forged}).cookie == "a=1");
  CHECK(left_of({.target = "/ws?token=" + own + "&token=" + forged + "&b"}).target == "/ws?b");
}

TEST_CASE("jwt: tokens of two query parameters that were not judged are both taken out") {
  const std::string field = "Bearer " + token_of(good);
  const std::string forged = token_of(good, "another secret of at least 32 bytes");
  const std::string target = "/ws?token=" + forged + "&a=1&jwt=" + forged;
  JudgedRequest request("GET", target);
  request.with("Authorization", field);
  REQUIRE(passes(options_with({JwtSource{}, {Kind::query, "token"}, {Kind::query, "jwt"}}), request));
  CHECK(request.head.target == "/ws?a=1");
}

TEST_CASE("jwt: further tokens stay where they are good, and say the same of whom they are") {
  const std::string own = token_of(good);
  const std::string newer = token_of({{"sub", "alice"}, {"role", "admin"}, {"exp", now + 900}});
  for (const std::string& fine : {own, newer}) {
    CHECK(left_of({.cookie = "a=1;session=" + fine}).cookie == "a=1;session=" + fine);
    CHECK(left_of({.target = "/ws?token=" + fine}).target == "/ws?token=" + fine);
    CHECK(left_of({.field = fine}).field == fine);
  }
  CHECK(left_of({.cookie = "a=1;b", .target = "/ws?&a=1&"}).target == "/ws?&a=1&");
  // Without a subject it is unknown whose token it is.
  const Json nobody = {{"role", "user"}};
  const std::string another = token_of({{"role", "user"}, {"exp", now + 900}});
  CHECK(left_of({.cookie = "session=" + another}, nobody).cookie.empty());
  CHECK(left_of({.cookie = "session=" + token_of(nobody)}, nobody).cookie == "session=" + token_of(nobody));
}

TEST_CASE("jwt: a field that differs from the token's by an underscore is taken out") {
  const std::string token = token_of(good);
  JudgedRequest request;
  request.with("X-Access-Token", token).with("X_Access-Token", "forged").with("x_access_token", "forged");
  CHECK(passes(options_with({{Kind::header, "X-Access-Token"}}), request));
  CHECK(request.head.headers.size() == 1);
  CHECK(request.head.headers.get(FieldId::authorization).empty());
  CHECK(request.head.headers.find("x-access-token")->value == token);
}

TEST_CASE("jwt: claims that are lists or objects reach the endpoint whole") {
  const Json claims = {
      {"sub", "alice"},         {"role", "user"},          {"tenants", {7, 42}},
      {"mixed", {"a", 1}},      {"comma", {"x,y", "z"}},   {"object", {{"k", 1}}},
      {"flags", {true, false}}, {"name", "J\xc3\xbcrgen"}, {"deep", {{"n", {"J\xc3\xbcrgen"}}}},
      {"empty", Json::array()}, {"lines", "a\nb"},         {"nothing", nullptr}};
  const std::string field = "Bearer " + token_of(claims);
  JwtOptions options = options_with();
  for (const auto& [name, value] : claims.items()) options.forward_claims.push_back({name, "X-" + name});
  JudgedRequest request;
  request.with("Authorization", field);
  REQUIRE(passes(options, request));
  CHECK(request.forwards("X-tenants", "7,42"));
  CHECK(request.forwards("X-mixed", R"(["a",1])"));
  CHECK(request.forwards("X-comma", R"(["x,y","z"])"));
  CHECK(request.forwards("X-object", R"({"k":1})"));
  CHECK(request.forwards("X-flags", "true,false"));
  CHECK(request.forwards("X-name", "J%C3%BCrgen"));
  CHECK(request.forwards("X-deep", R"({"n":["J\u00fcrgen"]})"));
  CHECK(request.forwards("X-empty", ""));
  CHECK(request.forwards("X-lines", "a%0Ab"));
  CHECK(request.context.forwarded_fields.size() == claims.size() - 1);  // all but the null claim
}

TEST_CASE("jwt: claims go to the endpoint, and the client's own fields of these names never do") {
  const std::string field = "Bearer " + token_of({{"sub", "alice"}, {"role", "user"}, {"age", 7}});
  JwtOptions options = options_with();
  options.required = false;
  options.forward_claims = {{"sub", "X-User-Id"}, {"age", "X-Age"}, {"missing", "X-Missing"}};
  for (bool with_token : {true, false}) {
    JudgedRequest request;
    request.with("x-user-id", "root").with("X_User_Id", "root").with("X-Missing", "root").with("X-Age", "99");
    request.with("X-User", "stays");
    if (with_token) request.with("Authorization", field);
    REQUIRE_FALSE(JwtPolicy(options).judge(request.context).answers());
    for (std::string_view name : {"X-User-Id", "X_User_Id", "X-Missing", "X-Age"})
      CHECK(request.head.headers.find(name) == nullptr);
    CHECK(request.head.headers.find("X-User") != nullptr);
    CHECK(request.context.forwarded_fields.size() == (with_token ? 2 : 0));
    CHECK(request.forwards("X-User-Id", "alice") == with_token);
    CHECK(request.forwards("X-Age", "7") == with_token);
  }
}

TEST_CASE("jwt: a refused request has lost its claim fields as well") {
  JwtOptions options = options_with();
  options.forward_claims = {{"sub", "X-User-Id"}};
  JudgedRequest request;
  request.with("X-User-Id", "root");
  CHECK(JwtPolicy(options).judge(request.context).answers());
  CHECK(request.head.headers.find("X-User-Id") == nullptr);
}

TEST_CASE("jwt: a claim of the longest size is forwarded, a longer one refused") {
  JwtOptions options = options_with();
  options.forward_claims = {{"sub", "X-User-Id"}};
  for (size_t size : {JwtPolicy::longest_claim, JwtPolicy::longest_claim + 1}) {
    const std::string field = "Bearer " + token_of({{"sub", std::string(size, 'a')}, {"role", "user"}});
    JudgedRequest request;
    request.with("Authorization", field);
    Verdict verdict = JwtPolicy(options).judge(request.context);
    REQUIRE(verdict.answers() == (size > JwtPolicy::longest_claim));
    if (!verdict.answers()) continue;
    CHECK(verdict.response().status == 403);
    CHECK(request.context.token == nullptr);  // another way in may let the request pass, without this token
    CHECK(request.context.forwarded_fields.empty());
  }
}

TEST_CASE("jwt: a preflight that passes brings no token to the endpoint") {
  JudgedRequest request("OPTIONS");
  request.with("Origin", "https://a.example").with("Access-Control-Request-Method", "PUT");
  request.with("Authorization", "Bearer forged");
  CHECK(JwtPolicy(options_with()).judge(request.context).passes());
  CHECK(request.head.headers.find("Authorization") == nullptr);
}

TEST_CASE("jwt: claim values become fields in one way only") {
  CHECK(claim_field_value("alice@example.com, bob") == "alice@example.com, bob");
  CHECK(claim_field_value("a\r\nX: y") == "a%0D%0AX: y");
  CHECK(claim_field_value("J\xc3\xbcrgen") == "J%C3%BCrgen");
  CHECK(claim_field_value("J%C3%BCrgen") == "J%25C3%25BCrgen");
  CHECK(claim_field_value(" admin ") == "%20admin%20");
  CHECK(claim_field_value(std::string_view("\0\x7f", 2)) == "%00%7F");
  CHECK(claim_field_value("").empty());
}

TEST_CASE(
    "jwt: keys that are replaced hold for the policy that is in use, and the request knows which held") {
  KeyStore store;
  const auto take_effect = [&](std::string_view key) {
    std::vector<LoadedKeys> loaded;
    loaded.push_back({"login", 1, keys_of(key)});
    store.take_effect(std::move(loaded));
  };
  take_effect(secret);
  const auto in_use = store.of("login");
  const JwtPolicy policy(options_with());
  const auto judge = [&](JudgedRequest& request, std::string_view key) {
    request.bound.keys = {in_use};
    request.with("Authorization", request.head.arena.keep("Bearer " + token_of(good, key)));
    return !policy.judge(request.context).answers();
  };
  constexpr std::string_view other = "another secret of thirty-two bytes";
  JudgedRequest before;
  CHECK(judge(before, secret));
  CHECK(before.context.token->key() == in_use->view().keys->keys()[0].number());
  take_effect(other);
  JudgedRequest old_key;
  CHECK_FALSE(judge(old_key, secret));
  JudgedRequest new_key;
  CHECK(judge(new_key, other));
  CHECK(new_key.context.token->key() == in_use->view().keys->keys()[0].number());
  CHECK(new_key.context.token->key() != before.context.token->key());
}
