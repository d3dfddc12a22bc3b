#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;
using By = RateLimitDocument::By;

namespace {

const std::string the_rest = "listeners: [{ address: \":0\" }]\nroutes: [{ upstream: \"http://a\" }]\n";

std::string said(const std::string& limit) {
  return said_of("rate_limits: { x: " + limit + " }\n" + the_rest);
}

}  // namespace

TEST_CASE("decode: rate limits take every key") {
  const auto loaded = load(
      "rate_limits:\n"
      "  first: { rate: 100/s }\n"
      "  second: { rate: 10/m, burst: 3, by: route }\n"
      "  third: { rate: 7/h, by: { header: X-Api-Key } }\n"
      "  fourth: { rate: 7/h, by: { claim: sub } }\n"
      "listeners: [{ address: \":0\" }]\n"
      "routes: [{ upstream: \"http://a\", rate_limit: first }, { match: { path: /b }, upstream: "
      "\"http://a\", "
      "rate_limit: [second, third] }]\n");
  REQUIRE(loaded.has_value());
  const auto& limits = loaded->rate_limits;
  REQUIRE(limits.size() == 4);
  CHECK(limits[0].name == "first");
  CHECK(limits[0].count == 100);
  CHECK(limits[0].burst == 100);
  CHECK(limits[0].per == std::chrono::seconds(1));
  CHECK(limits[0].by == By::client_address);
  CHECK(limits[1].count == 10);
  CHECK(limits[1].burst == 3);
  CHECK(limits[1].per == std::chrono::minutes(1));
  CHECK(limits[1].by == By::route);
  CHECK(limits[2].by == By::header);
  CHECK(limits[2].key == "X-Api-Key");
  CHECK(limits[3].by == By::claim);
  CHECK(limits[3].key == "sub");
  REQUIRE(loaded->routes.at(0).rate_limits.size() == 1);
  CHECK(loaded->routes.at(0).rate_limits[0].first == "first");
  REQUIRE(loaded->routes.at(1).rate_limits.size() == 2);
  CHECK(loaded->routes.at(1).rate_limits[1].first == "third");
}

TEST_CASE("decode: a rate limit says what is wrong with it") {
  CHECK(said("{}") == "f:1:19 rate_limits.x.rate: is missing\n");
  CHECK(said("{ rate: 10 }").find("\"10\" does not say for which time (write 100/s, 10/m or 1000/h)") !=
        std::string::npos);
  CHECK(said("{ rate: fast }").find("\"fast\" is not a rate") != std::string::npos);
  CHECK(said("{ rate: 0/s }").find("is out of range: 1 to 1000000 requests") != std::string::npos);
  CHECK(said("{ rate: 1/s, burst: 0 }").find("is out of range: 1 to 1000000") != std::string::npos);
  CHECK(said("{ rate: 1/s, by: cookie }").find("is not client_address, route, { header: NAME } or") !=
        std::string::npos);
  CHECK(said("{ rate: 1/s, by: {} }").find("needs one of header and claim") != std::string::npos);
  CHECK(said("{ rate: 1/s, by: { header: a, claim: b } }").find("needs one of header and claim") !=
        std::string::npos);
  CHECK(said("{ rate: 1/s, by: { header: \"a b\" } }").find("rate_limits.x.by.header: ") !=
        std::string::npos);
  CHECK(said("{ rate: 1/s, by: { cookie: a } }").find("unknown key \"cookie\"") != std::string::npos);
}

TEST_CASE("decode: rate limits are so many at most") {
  std::string many = "rate_limits:\n";
  for (int i = 0; i < 65; ++i) many += "  n" + std::to_string(i) + ": { rate: 1/s }\n";
  CHECK(said_of(many + the_rest).find("rate_limits: has more than 64 names") != std::string::npos);
}

TEST_CASE("decode: a rate limit may report only, but not for the messages of sockets") {
  const std::string limit = "rate_limits: { x: { rate: 1/s, report_only: true } }\n";
  const auto loaded =
      load(limit + "listeners: [{ address: \":0\" }]\nroutes: [{ upstream: \"http://a\", rate_limit: x }]\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->rate_limits[0].report_only);
  CHECK(said_of(limit + "listeners: [{ address: \":0\" }]\nroutes: [{ upstream: \"http://a\", rate_limit: x, "
                        "websocket: { message_limit: x } }]\n")
            .find("\"x\" has report_only, which is for requests; name a limit without it") !=
        std::string::npos);
}
