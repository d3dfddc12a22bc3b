#include "policy/jwt_forwarding.h"

#include <doctest/doctest.h>

#include "base/ascii.h"
#include "policy/jwt_policy.h"
#include "policy/jwt_signer.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::crypto::Algorithm;
using postern::http::FieldId;
using postern::state::KeySet;
using Kind = JwtSource::Kind;
using Done = JwtForwarding::Kind;

namespace {

constexpr std::string_view secret = "a secret of thirty-two bytes or more";

std::string token_of(std::string_view key = secret) {
  return sign_jwt(postern::crypto::HmacKey(Algorithm::hs256, key),
                  {{"sub", "alice"}, {"exp", 1'000'000'600}});
}

// A request whose Authorization has a good token, and which has what else a test says.
class Forwarded {
 public:
  explicit Forwarded(JwtForwarding forwarding, std::string target = "/ws?a=1",
                     std::vector<JwtSource> sources = {JwtSource{}})
      : target_(std::move(target)), request("GET", target_) {
    auto keys = KeySet::from_secret(secret, {Algorithm::hs256});
    REQUIRE(keys);
    request.bound.keys = {std::make_shared<const postern::state::LiveKeys>(std::move(*keys))};
    options_.providers = {{"login", std::make_shared<const JwtVerifier>(JwtRules{}), 0, std::move(sources)}};
    options_.required = false;
    options_.forward_as = std::move(forwarding);
  }
  Forwarded& with(std::string_view name, std::string_view value) {
    request.with(name, request.head.arena.keep(value));
    return *this;
  }
  Forwarded& authorized() { return with("Authorization", "Bearer " + token); }
  Forwarded& judged() {
    CHECK_FALSE(JwtPolicy(options_).judge(request.context).answers());
    return *this;
  }
  std::string field(std::string_view name) const {
    std::string values;
    for (const auto& field : request.head.headers)
      if (postern::base::equal_as_variable(field.name, name))
        values.append(values.empty() ? "" : " | ").append(field.value);
    return values;
  }

 private:
  std::string target_;
  JwtOptions options_;

 public:
  const std::string token = token_of();
  postern::support::JudgedRequest request;
};

JwtForwarding strip() { return {Done::strip, {}}; }
JwtForwarding to(Kind kind, std::string name, std::string scheme = {}) {
  return {Done::move, {kind, std::move(name), std::move(scheme)}};
}

const std::vector<JwtSource> everywhere = {JwtSource{},
                                           {Kind::header, "X-Token"},
                                           {Kind::cookie, "session"},
                                           {Kind::query, "token"},
                                           {Kind::query, "jwt"}};

}  // namespace

TEST_CASE("jwt forwarding: a token that is kept stays where it was") {
  Forwarded kept({});
  kept.authorized().judged();
  CHECK(kept.field("Authorization") == "Bearer " + kept.token);
  CHECK(kept.request.head.target == "/ws?a=1");
  CHECK(kept.request.context.forwarded_fields.empty());
}

TEST_CASE("jwt forwarding: strip takes every token out, and nothing else") {
  const std::string token = token_of();
  Forwarded stripped(strip(), "/ws?token=" + token + "&a=1&jwt=" + token, everywhere);
  stripped.authorized().with("X-Token", token).with("Cookie", "a=1; session=" + token + "; b=2").judged();
  REQUIRE(stripped.request.context.token);
  CHECK(stripped.field("Authorization").empty());
  CHECK(stripped.field("X-Token").empty());
  CHECK(stripped.field("Cookie") == "a=1; b=2");
  CHECK(stripped.request.head.target == "/ws?a=1");

  Forwarded basic(strip(), "/ws?token=" + token, everywhere);
  basic.with("Authorization", "Basic eDp5").judged();
  REQUIRE(basic.request.context.token);
  CHECK(basic.field("Authorization") == "Basic eDp5");
  CHECK(basic.request.head.target == "/ws");
}

TEST_CASE("jwt forwarding: a token moves to a header, bare or behind its scheme") {
  const std::string token = token_of();
  Forwarded authorization(to(Kind::header, "Authorization"), "/ws?a=1&token=" + token, everywhere);
  authorization.with("Authorization", "Basic eDp5").judged();
  CHECK(authorization.request.head.target == "/ws?a=1");
  CHECK(authorization.field("Authorization").empty());
  CHECK(authorization.request.forwards("Authorization", "Bearer " + token));

  Forwarded bare(to(Kind::header, "X-Access-Token"));
  bare.authorized().with("X-Access-Token", "forged").with("x_access_token", "forged").judged();
  CHECK(bare.field("Authorization").empty());
  CHECK(bare.field("X-Access-Token").empty());
  CHECK(bare.request.forwards("X-Access-Token", token));

  Forwarded scheme(to(Kind::header, "Authorization", "Token"));
  scheme.authorized().judged();
  CHECK(scheme.field("Authorization").empty());
  CHECK(scheme.request.forwards("Authorization", "Token " + token));
}

TEST_CASE("jwt forwarding: a token moves to a cookie, in place of the client's") {
  Forwarded none(to(Kind::cookie, "session"));
  none.authorized().judged();
  CHECK(none.field("Cookie") == "session=" + none.token);
  CHECK(none.field("Authorization").empty());

  Forwarded some(to(Kind::cookie, "session"));
  some.authorized().with("Cookie", "a=1; session=forged").with("Cookie", "session=forged; b=\"2\"").judged();
  CHECK(some.field("Cookie") == "session=" + some.token + "; a=1; b=\"2\"");

  Forwarded two_fields(to(Kind::cookie, "session"));
  two_fields.authorized().with("Cookie", "a=1").with("Cookie", "b=2").judged();
  CHECK(two_fields.field("Cookie") == "session=" + two_fields.token + "; a=1; b=2");
}

TEST_CASE("jwt forwarding: a token moves to the query, in place of the client's") {
  const auto target = [](std::string_view before) {
    Forwarded moved(to(Kind::query, "token"), std::string(before));
    moved.authorized().judged();
    CHECK(moved.field("Authorization").empty());
    std::string after(moved.request.head.target);
    const size_t at = after.find(moved.token);
    REQUIRE(at != std::string::npos);
    return after.replace(at, moved.token.size(), "TOKEN");
  };
  CHECK(target("/ws") == "/ws?token=TOKEN");
  CHECK(target("/ws?") == "/ws?token=TOKEN");
  CHECK(target("/ws?a=1") == "/ws?a=1&token=TOKEN");
  CHECK(target("/ws?token=forged") == "/ws?token=TOKEN");
  CHECK(target("/ws?token=forged&a=1&%74oken=forged;token=forged") == "/ws?a=1&token=TOKEN");
  CHECK(target("/ws?a=%3f;b") == "/ws?a=%3f;b&token=TOKEN");
}

TEST_CASE("jwt forwarding: OPTIONS of the whole server gets no query") {
  Forwarded moved(to(Kind::query, "token"), "*");
  moved.authorized().judged();
  CHECK(moved.request.head.target == "*");
}

TEST_CASE("jwt forwarding: a token moves among the subprotocols of a WebSocket") {
  Forwarded none(to(Kind::subprotocol, ""));
  none.request.websocket();
  none.authorized().judged();
  CHECK(none.field("Sec-WebSocket-Protocol") == "bearer, " + none.token);
  CHECK(none.field("Authorization").empty());
  CHECK(none.request.context.added_subprotocol == "bearer");
  CHECK(none.request.context.selected_subprotocol.empty());

  Forwarded some(to(Kind::subprotocol, ""), "/ws", {JwtSource{}, {Kind::subprotocol, ""}});
  some.request.websocket();
  some.with("Sec-WebSocket-Protocol", "v2.chat, bearer." + some.token)
      .with("Sec-WebSocket-Protocol", "chat")
      .judged();
  CHECK(some.field("Sec-WebSocket-Protocol") == "bearer, " + some.token + ", v2.chat, chat");
  CHECK(some.request.context.selected_subprotocol == "bearer." + some.token);

  // A token that nobody has looked for is replaced as well.
  Forwarded forged(to(Kind::subprotocol, ""));
  forged.request.websocket();
  forged.authorized().with("Sec-WebSocket-Protocol", "chat, access_token, forged").judged();
  CHECK(forged.field("Sec-WebSocket-Protocol") == "bearer, " + forged.token + ", chat");
  CHECK(forged.request.context.selected_subprotocol == "access_token");

  Forwarded plain(to(Kind::subprotocol, ""));
  plain.authorized().judged();
  CHECK(plain.field("Authorization") == "Bearer " + plain.token);
  CHECK(plain.field("Sec-WebSocket-Protocol").empty());
}

TEST_CASE("jwt forwarding: without a token the place of moved ones is empty all the same") {
  Forwarded header(to(Kind::header, "X-Token"));
  header.with("X-Token", "forged").with("X_Token", "forged").judged();
  CHECK(header.field("X-Token").empty());
  Forwarded cookie(to(Kind::cookie, "session"));
  cookie.with("Cookie", "session=forged; a=1").judged();
  CHECK(cookie.field("Cookie") == "a=1");
  Forwarded query(to(Kind::query, "jwt"), "/ws?jwt=forged");
  query.judged();
  CHECK(query.request.head.target == "/ws");
  Forwarded untouched(to(Kind::query, "jwt"), "/ws?&a=1&");
  untouched.judged();
  CHECK(untouched.request.head.target == "/ws?&a=1&");
  Forwarded kept({});
  kept.with("X-Token", "stays").judged();
  CHECK(kept.field("X-Token") == "stays");
}

TEST_CASE("jwt forwarding: an encoded token is decoded where it goes") {
  std::string encoded = token_of();
  encoded.replace(encoded.find('.'), 1, "%2E");
  Forwarded moved(to(Kind::query, "jwt"), "/ws?token=" + encoded, everywhere);
  moved.judged();
  CHECK(moved.request.head.target == "/ws?jwt=" + moved.token);
}
