#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

const std::string jwt =
    "jwt: { login: { issuer: \"https://login.example\", secret: \"0123456789abcdef0123456789abcdef\", "
    "algorithms: [HS256] } }\n";

// A file whose second route is `route`, on line 5.
std::string with_route(const std::string& route, const std::string& section = jwt) {
  return section + rest + "  - { name: second, match: { path: /x }, " + route + " }\n";
}

}  // namespace

TEST_CASE("decode logout: paths of a route whose tokens are known") {
  const auto document = load(with_route("upstream: api, jwt: login, logout: [/api/logout, /bye]"));
  REQUIRE(document);
  CHECK(document->routes[1].logout_paths == std::vector<std::string>{"/api/logout", "/bye"});
  CHECK(load(with_route("upstream: api, jwt: login, logout: /bye"))->routes[1].logout_paths.size() == 1);
  CHECK(said_of(with_route("upstream: api, logout: /bye")).find("needs jwt") != std::string::npos);
  CHECK(said_of(with_route("upstream: api, jwt: login, logout: []")).find("is empty") != std::string::npos);
  CHECK(said_of(with_route("respond: { status: 204 }, jwt: login, logout: /bye")).find("answers by itself") !=
        std::string::npos);
}

TEST_CASE("decode logout: sockets stay when the paths change") {
  const auto one = load(with_route("upstream: api, jwt: login, logout: /a"));
  const auto two = load(with_route("upstream: api, jwt: login, logout: [/a, /b]"));
  CHECK(one->routes[1].fingerprint == two->routes[1].fingerprint);
}

TEST_CASE("decode backchannel_logout: a provider with an issuer, and the client's id") {
  const auto document = load(with_route("backchannel_logout: { use: login, audience: app }"));
  REQUIRE(document);
  CHECK(document->routes[1].backchannel_logout->use == "login");
  CHECK(document->routes[1].backchannel_logout->audiences == std::vector<std::string>{"app"});
  const auto says = [](const std::string& route, std::string_view part, const std::string& section = jwt) {
    const std::string said = said_of(with_route(route, section));
    CAPTURE(said);
    CHECK(said.find(part) != std::string::npos);
  };
  says("backchannel_logout: { use: login }", "backchannel_logout.audience: is missing");
  says("backchannel_logout: { audience: app }", "backchannel_logout.use: is missing");
  says("backchannel_logout: { use: other, audience: app }", "there is no jwt");
  says("backchannel_logout: { use: login, audience: app }, upstream: api", "a route has one action");
  says("backchannel_logout: { use: login, audience: app }", "needs the issuer of jwt.login",
       "jwt: { login: { secret: \"0123456789abcdef0123456789abcdef\", algorithms: [HS256] } }\n");
}
