#include "policy/cookie_rules.h"

#include <doctest/doctest.h>

using namespace postern::policy;

namespace {

std::string rewritten(CookieRulesOptions options, std::string_view value) {
  return CookieRules(std::move(options)).rewrite(value).value_or("(same)");
}

}  // namespace

TEST_CASE("cookies: what no rule is for stays byte for byte") {
  CHECK(rewritten({}, "a=b; Path=/; Secure") == "(same)");
  CHECK(rewritten({.domains = {{"*", "x.example"}}}, "a=b") == "(same)");  // host-only stays host-only
  CHECK(rewritten({.paths = {{"*", "/x"}}}, "a=\"b c\" ;Secure") == "(same)");
  CHECK(
      rewritten(
          {.domains = {{"*", "x.example"}}},
          "a=\"Domain=y\"; expires=Wed, 09 Jun 2027 10:18:14 GMT ;  DOMAIN = .old.example;Foo=;;HttpOnly") ==
      "a=\"Domain=y\"; expires=Wed, 09 Jun 2027 10:18:14 GMT ; Domain=x.example;Foo=;;HttpOnly");
}

TEST_CASE("cookies: domains are mapped by name, without case and leading dot") {
  const CookieRulesOptions options{
      .domains = {{"internal.example", "app.example"}, {"gone.example", std::nullopt}, {"*", "any.example"}}};
  CHECK(rewritten(options, "a=b; Domain=internal.example") == "a=b; Domain=app.example");
  CHECK(rewritten(options, "a=b; domain=.Internal.Example; Path=/x") == "a=b; Domain=app.example; Path=/x");
  CHECK(rewritten(options, "a=b; Domain=gone.example; Path=/") == "a=b; Path=/");
  CHECK(rewritten(options, "a=b; Domain=sub.internal.example") == "a=b; Domain=any.example");
  CHECK(rewritten({.domains = {{"*", std::nullopt}}}, "a=b; Domain=x; Domain=y; Secure") == "a=b; Secure");
  CHECK(rewritten({.domains = {{"other.example", "x"}}}, "a=b; Domain=internal.example") == "(same)");
}

TEST_CASE("cookies: the longest prefix of a path gives way") {
  const CookieRulesOptions options{.paths = {{"/", "/app"}, {"/old", "/new"}, {"/gone", std::nullopt}}};
  CHECK(rewritten(options, "a=b; Path=/") == "a=b; Path=/app");
  CHECK(rewritten(options, "a=b; Path=/x") == "a=b; Path=/app/x");
  CHECK(rewritten(options, "a=b; Path=/old") == "a=b; Path=/new");
  CHECK(rewritten(options, "a=b; path=/old/x; Secure") == "a=b; Path=/new/x; Secure");
  CHECK(rewritten(options, "a=b; Path=/older") == "a=b; Path=/app/older");
  CHECK(rewritten(options, "a=b; Path=/gone/x") == "a=b");
  CHECK(rewritten({.paths = {{"/api", "/"}}}, "a=b; Path=/api/x") == "a=b; Path=/x");
  CHECK(rewritten({.paths = {{"/api", "/"}}}, "a=b; Path=/api") == "a=b; Path=/");
  CHECK(rewritten({.paths = {{"/api/", "/x"}}}, "a=b; Path=/api/y") == "a=b; Path=/x/y");
  CHECK(rewritten({.paths = {{"*", "/x"}}}, "a=b; Path=weird") == "a=b; Path=/x");
  CHECK(rewritten({.paths = {{"/api", "/"}}}, "a=b; Path=/apix") == "(same)");
}

TEST_CASE("cookies: flags are added once and dropped wherever they stand") {
  const CookieRulesOptions add{.secure = CookieFlag::add, .http_only = CookieFlag::add};
  CHECK(rewritten(add, "a=b") == "a=b; Secure; HttpOnly");
  CHECK(rewritten(add, "a=b; secure;httponly") == "(same)");
  const CookieRulesOptions drop{.secure = CookieFlag::drop, .http_only = CookieFlag::drop};
  CHECK(rewritten(drop, "a=Secure; SECURE; Path=/; HttpOnly; Secure") == "a=Secure; Path=/");
  CHECK(rewritten({.same_site = CookieSameSite::lax}, "a=b; samesite=None; Secure") ==
        "a=b; Secure; SameSite=Lax");
  CHECK(rewritten({.same_site = CookieSameSite::none}, "a=b") == "a=b; SameSite=None");
  CHECK(rewritten({.same_site = CookieSameSite::strict}, "a=b; SameSite=Strict") == "(same)");
  CHECK(rewritten({.same_site = CookieSameSite::drop}, "a=b; SameSite=Strict") == "a=b");
}

TEST_CASE("cookies: without Secure there is nothing that browsers take with Secure only") {
  const CookieRulesOptions drop{.secure = CookieFlag::drop};
  CHECK(rewritten(drop, "a=b; Secure; Partitioned; Path=/") == "a=b; Path=/");
  CHECK(rewritten(drop, "a=b; SameSite=None; secure; partitioned") == "a=b");
  CHECK(rewritten(drop, "a=b; samesite = none ;Secure;HttpOnly") == "a=b;HttpOnly");
  CHECK(rewritten(drop, "a=b; SameSite=Lax; Secure") == "a=b; SameSite=Lax");
  CHECK(rewritten(drop, "a=b; Partitioned") == "a=b");
  CHECK(rewritten({.secure = CookieFlag::add}, "a=b; Partitioned; SameSite=None") ==
        "a=b; Partitioned; SameSite=None; Secure");
}

TEST_CASE("cookies: empty attributes stay, and are no attributes") {
  const CookieRulesOptions add{.secure = CookieFlag::add};
  CHECK(rewritten(add, "a=b;") == "a=b;; Secure");
  CHECK(rewritten(add, "a=b;; Path=/ ; ;") == "a=b;; Path=/ ; ;; Secure");
  CHECK(rewritten({}, "a=b;; Path=/;") == "(same)");
  // Browsers ignore an empty Domain or Path: no rule may give the cookie to more hosts or paths.
  const CookieRulesOptions map{.domains = {{"*", "x.example"}}, .paths = {{"*", "/"}}};
  CHECK(rewritten(map, "a=b; Domain=; Path=") == "(same)");
  CHECK(rewritten(map, "a=b; Domain; Path =  ") == "(same)");
  CHECK(rewritten(map, "a=b; Domain=.; Path=/x") == "a=b; Domain=.; Path=/");
}
