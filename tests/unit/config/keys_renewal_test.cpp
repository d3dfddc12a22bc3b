#include "config/keys_renewal.h"

#include <doctest/doctest.h>

#include <string>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

const std::string one_jwt =
    "jwt: { login: { secret: 0123456789abcdef0123456789abcdef, algorithms: [HS256] } }\n";
const std::string two_jwt =
    "jwt:\n  login: { secret: 0123456789abcdef0123456789abcdef, algorithms: [HS256] }\n"
    "  other: { secret: 0123456789abcdef0123456789abcdef, algorithms: [HS256] }\n";

std::string file(const std::string& jwt, const std::string& route) {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n" + jwt +
         "upstreams: { api: { endpoints: [\"http://127.0.0.1:1\"] } }\nroutes:\n  - " + route + "\n";
}

std::string complaint(const std::string& jwt, const std::string& route) { return said_of(file(jwt, route)); }

}  // namespace

TEST_CASE("refresh_calls: where it is and what is read there") {
  const auto loaded = load(file(
      one_jwt, "{ upstream: api, jwt: login, refresh_calls: { path: /token/refresh, token: data.access } }"));
  REQUIRE(loaded.has_value());
  const RefreshCallsDocument& refresh = *loaded->routes.at(0).refresh_calls;
  CHECK(refresh.paths == std::vector<std::string>{"/token/refresh"});
  CHECK(refresh.token ==
        postern::policy::AnswerTokenPlace{postern::policy::AnswerTokenPlace::Kind::json, "data.access"});
  CHECK(provider_of(*loaded, refresh) == "login");
  CHECK(is_renewed(*loaded, loaded->jwt.at(0)));
}

TEST_CASE("refresh_calls: what is wrong with it is said") {
  const std::string refresh = "refresh_calls: { path: /token/refresh, token: access";
  CHECK(complaint(two_jwt, "{ upstream: api, jwt: login, " + refresh + " } }").find("needs use") !=
        std::string::npos);
  CHECK(complaint("", "{ upstream: api, " + refresh + " } }").find("there are none") != std::string::npos);
  CHECK(complaint(one_jwt, "{ upstream: api, jwt: login, " + refresh + ", use: logni } }")
            .find("did you mean \"login\"?") != std::string::npos);
  CHECK(complaint(one_jwt, "{ match: { path: /api }, upstream: api, jwt: login, " + refresh + " } }")
            .find("does not match \"/token/refresh\"") != std::string::npos);
  CHECK(complaint(one_jwt, "{ respond: { status: 200 }, jwt: login, " + refresh + " } }")
            .find("needs upstream") != std::string::npos);
  CHECK(complaint(one_jwt, "{ upstream: api, jwt: login, refresh_calls: { path: /a } }")
            .find("token: is missing") != std::string::npos);
}

TEST_CASE("renew: a route that takes new tokens needs one") {
  CHECK(complaint(one_jwt, "{ match: { exact: /renew }, jwt: login, renew: true }").empty());
  CHECK(complaint(one_jwt, "{ renew: true }").find("needs jwt") != std::string::npos);
  CHECK(complaint(one_jwt, "{ jwt: { use: login, required: false }, renew: true }")
            .find("has required: false") != std::string::npos);
  CHECK(complaint(one_jwt, "{ match: { methods: [PUT] }, jwt: login, renew: true }").find("answers POST") !=
        std::string::npos);
  CHECK(complaint(one_jwt, "{ upstream: api, jwt: login, renew: true }").find("has one action") !=
        std::string::npos);
}
