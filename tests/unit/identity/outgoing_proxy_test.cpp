#include "identity/outgoing_proxy.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace postern;
using identity::outgoing_proxy;

namespace {

using Environment = std::map<std::string, std::string, std::less<>>;

auto proxy_for(std::string_view url, const Environment& environment) {
  return outgoing_proxy(*http::read_url(url), [&](std::string_view name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace

TEST_CASE("outgoing proxy: HTTPS_PROXY in either case, with port and user") {
  CHECK_FALSE(*proxy_for("https://a/", {}));
  const auto plain = proxy_for("https://a/", {{"HTTPS_PROXY", "http://proxy.local:3128/"}});
  REQUIRE(plain->has_value());
  CHECK((*plain)->host == "proxy.local");
  CHECK((*plain)->port == 3128);
  CHECK((*plain)->authorization.empty());
  const auto lower = proxy_for("https://a/", {{"HTTPS_PROXY", "http://no"}, {"https_proxy", " proxy "}});
  REQUIRE(lower->has_value());
  CHECK((*lower)->host == "proxy");  // the one in lower case counts, as with curl
  CHECK((*lower)->port == 1080);
  const auto user = proxy_for("https://a/", {{"HTTPS_PROXY", "http://al%40ice:p%3Aw+d@[::1]:8080"}});
  REQUIRE(user->has_value());
  CHECK((*user)->host == "::1");
  CHECK((*user)->port == 8080);
  CHECK((*user)->authorization == "Basic YWxAaWNlOnA6dytk");  // al@ice:p:w+d
}

TEST_CASE("outgoing proxy: none for http, for an empty variable, and for hosts of NO_PROXY") {
  const Environment environment{{"HTTPS_PROXY", "http://proxy:1"},
                                {"NO_PROXY", "localhost, .internal.example,login.example.com"}};
  CHECK_FALSE(*proxy_for("http://a/", environment));
  CHECK_FALSE(*proxy_for("https://a/", {{"HTTPS_PROXY", ""}}));
  CHECK_FALSE(*proxy_for("https://localhost/", environment));
  CHECK_FALSE(*proxy_for("https://auth.internal.example/", environment));
  CHECK_FALSE(*proxy_for("https://internal.example/", environment));
  CHECK_FALSE(*proxy_for("https://a.login.example.com/", environment));
  CHECK(*proxy_for("https://mylogin.example.com/", environment));
  CHECK(*proxy_for("https://example.com/", environment));
  CHECK_FALSE(*proxy_for("https://a/", {{"HTTPS_PROXY", "http://proxy:1"}, {"no_proxy", "*"}}));
}

TEST_CASE("outgoing proxy: an error names the variable and repeats nothing of it") {
  for (const char* text : {"socks5://secret@proxy", "https://secret@proxy", "http://secret@", "http://a b"}) {
    CAPTURE(text);
    const auto proxy = proxy_for("https://a/", {{"HTTPS_PROXY", text}});
    REQUIRE_FALSE(proxy.has_value());
    CHECK(proxy.error().starts_with("the environment variable HTTPS_PROXY has"));
    CHECK(proxy.error().find("secret") == std::string::npos);
  }
}
