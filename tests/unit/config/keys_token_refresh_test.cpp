#include <doctest/doctest.h>

#include <chrono>

#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using namespace std::chrono_literals;

namespace {

const std::string jwt =
    "jwt: { login: { secret: 0123456789abcdef0123456789abcdef, algorithms: [HS256] } }\n"
    "origins: { web: { allow: [\"https://app.example.com\"] } }\n";

std::string file(const std::string& refresh, const std::string& beside = "    origins: web\n",
                 const std::string& more = "") {
  return jwt + rest + "    jwt: { use: login" + more + ", refresh: " + refresh + " }\n" + beside;
}

std::string said(const std::string& refresh, const std::string& beside = "    origins: web\n",
                 const std::string& more = "") {
  return said_of(file(refresh, beside, more));
}

const std::string usual = "{ path: /api/token/refresh/, cookie: refresh_token, token: access }";

}  // namespace

TEST_CASE("refresh: every key is taken") {
  using Kind = policy::AnswerTokenPlace::Kind;
  const auto loaded = load(file(usual));
  REQUIRE(loaded);
  CHECK(loaded->warnings.text() == "");
  REQUIRE(loaded->routes[0].token_refresh);
  const TokenRefreshDocument& refresh = *loaded->routes[0].token_refresh;
  CHECK(refresh.target == "/api/token/refresh/");
  CHECK(refresh.upstream.empty());
  CHECK(refresh.method == "POST");
  CHECK(refresh.cookie == "refresh_token");
  CHECK(refresh.token == policy::AnswerTokenPlace{Kind::json, "access"});
  CHECK(refresh.timeout == 5s);

  const auto other =
      load(file("{ url: \"http://127.0.0.1:9/auth?x=1\", cookie: r, method: GET, "
                "token: { cookie: access }, timeout: 300ms }"));
  REQUIRE(other);
  const TokenRefreshDocument& elsewhere = *other->routes[0].token_refresh;
  CHECK(elsewhere.upstream == "http://127.0.0.1:9");
  CHECK(elsewhere.target == "/auth?x=1");
  CHECK(elsewhere.method == "GET");
  CHECK(elsewhere.token == policy::AnswerTokenPlace{Kind::cookie, "access"});
  CHECK(elsewhere.timeout == 300ms);
  CHECK(other->upstreams.size() == 2);

  const auto field = load(file("{ path: /r, upstream: api, cookie: r, token: { header: X-Access } }"));
  REQUIRE(field);
  CHECK(field->routes[0].token_refresh->token == policy::AnswerTokenPlace{Kind::header, "X-Access"});
}

TEST_CASE("refresh: what is missing or contradicts itself is refused") {
  const auto has = [](const std::string& refresh, const std::string& sentence) {
    CAPTURE(refresh);
    const std::string text = said(refresh);
    CAPTURE(text);
    CHECK(text.find(sentence) != std::string::npos);
  };
  has("{ cookie: r, token: access }", "has neither path nor url; nobody could be asked");
  has("{ path: /r, token: access }", "cookie");
  has("{ path: /r, cookie: r }", "token");
  has("{ path: /r, url: \"http://a/r\", cookie: r, token: access }", "a url has its own path");
  has("{ upstream: api, url: \"http://a/r\", cookie: r, token: access }", "one of them is asked");
  has("{ path: r, cookie: r, token: access }", "does not begin with \"/\"");
  has("{ path: /r, cookie: \"a b\", token: access }", "is not a cookie name");
  has("{ path: /r, cookie: r, token: a..b }", "has an empty name before, between or behind its dots");
  has("{ path: /r, cookie: r, token: { header: a, cookie: b } }", "names more or less than one place");
  has("{ path: /r, cookie: r, token: {} }", "names more or less than one place");
  has("{ path: /r, cookie: r, token: access, method: DELETE }", "DELETE");
  has("{ path: /r, upstream: app, cookie: r, token: access }", "there is no upstream \"app\"");
}

TEST_CASE("refresh: it needs somebody to ask, tokens that are refused, and origins") {
  const std::string alone = "jwt: { use: login, refresh: " + usual + " }";
  CHECK(said_of(jwt + rest +
                "    origins: web\n    jwt: login\n  - match: { path: /b }\n    files: /srv\n    origins: "
                "web\n    " +
                alone + "\n")
            .find("routes[1].jwt.refresh: has nobody to ask: the route has no upstream; name one, or write "
                  "url") != std::string::npos);
  CHECK(said(usual, "    origins: web\n", ", report_only: true")
            .find("has no effect: jwt with report_only refuses no token") != std::string::npos);
  CHECK(said(usual, "").find(
            "warning: routes[0].jwt.refresh: lets the pages of every site open WebSockets with the "
            "cookie of a visitor; give the route origins") != std::string::npos);
}
