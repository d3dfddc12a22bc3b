#include "routing/conditions.h"

#include <doctest/doctest.h>

#include "http/head.h"

using namespace postern::routing;
using postern::base::IpAddress;
using postern::http::Headers;

namespace {

using Kind = ValueTest::Kind;

NamedTest test_of(std::string name, Kind kind = Kind::present, std::vector<std::string> texts = {}) {
  NamedTest made;
  made.id = postern::http::field_id(name);
  made.name = std::move(name);
  made.test.kind = kind;
  if (kind == Kind::pattern) made.test.pattern = postern::policy::Pattern::compile(texts.front()).value();
  made.test.texts = std::move(texts);
  return made;
}

struct Request {
  Headers headers;
  IpAddress client = IpAddress::parse("192.0.2.7").value();
  Address address{.host = "a.example", .path = "/x", .method = "GET"};

  Request(std::initializer_list<std::pair<const char*, const char*>> fields, const char* query = "") {
    for (const auto& [name, value] : fields) headers.add(name, value);
    address.query = query;
    address.headers = &headers;
    address.client = &client;
  }
};

bool header_fits(const NamedTest& test, const Request& request) {
  Conditions conditions;
  conditions.headers.push_back(test);
  return conditions.fit(request.address);
}

bool query_fits(const NamedTest& test, const char* query) {
  Conditions conditions;
  conditions.query.push_back(test);
  return conditions.fit(Request({}, query).address);
}

bool cookie_fits(const NamedTest& test, const Request& request) {
  Conditions conditions;
  conditions.cookies.push_back(test);
  return conditions.fit(request.address);
}

}  // namespace

TEST_CASE("conditions: a field is named in any case and compared as it is") {
  const Request request({{"X-Version", "2"}, {"x-beta", "Yes"}, {"User-Agent", "curl/8"}});
  CHECK(header_fits(test_of("x-version", Kind::equals, {"2"}), request));
  CHECK(header_fits(test_of("X-Version", Kind::equals, {"1", "2"}), request));
  CHECK_FALSE(header_fits(test_of("X-Version", Kind::equals, {"22"}), request));
  CHECK(header_fits(test_of("X-Beta"), request));
  CHECK_FALSE(header_fits(test_of("X-Beta", Kind::equals, {"yes"}), request));
  CHECK_FALSE(header_fits(test_of("X-Gamma"), request));
  CHECK(header_fits(test_of("user-agent", Kind::prefix, {"curl/"}), request));
  CHECK_FALSE(header_fits(test_of("user-agent", Kind::prefix, {"wget/"}), request));
  CHECK(header_fits(test_of("User-Agent", Kind::pattern, {"curl/[0-9]+"}), request));
  CHECK_FALSE(header_fits(test_of("User-Agent", Kind::pattern, {"curl"}), request));
}

TEST_CASE("conditions: of several fields of one name one that fits is enough") {
  const Request request({{"X-Env", "prod"}, {"X-Env", "test"}});
  CHECK(header_fits(test_of("X-Env", Kind::equals, {"test"}), request));
  CHECK_FALSE(header_fits(test_of("X-Env", Kind::equals, {"prod, test"}), request));
  CHECK(header_fits(test_of("X-Env"), Request({{"X-Env", ""}})));  // an empty value counts as present
}

TEST_CASE("conditions: parameters are compared without their encoding") {
  CHECK(query_fits(test_of("v", Kind::equals, {"2"}), "a=1&v=2"));
  CHECK(query_fits(test_of("v", Kind::equals, {"2"}), "v=1&v=2"));
  CHECK(query_fits(test_of("v", Kind::equals, {"2"}), "%76=%32"));
  CHECK(query_fits(test_of("q", Kind::equals, {"a b"}), "q=a+b"));
  CHECK(query_fits(test_of("q", Kind::equals, {"a=b"}), "q=a=b"));
  CHECK(query_fits(test_of("debug"), "debug"));
  CHECK(query_fits(test_of("debug"), "debug="));
  CHECK(query_fits(test_of("debug"), "a&&debug&"));
  CHECK_FALSE(query_fits(test_of("debug"), "debugs=1&xdebug=1&a=debug"));
  CHECK_FALSE(query_fits(test_of("debug"), ""));
  CHECK_FALSE(query_fits(test_of("DEBUG"), "debug"));
}

TEST_CASE("conditions: cookies, also several of one name and quoted ones") {
  const Request request({{"Cookie", "a=1; beta=\"on\"; b=2"}, {"Cookie", "b=3; c="}});
  CHECK(cookie_fits(test_of("beta", Kind::equals, {"on"}), request));
  CHECK(cookie_fits(test_of("b", Kind::equals, {"3"}), request));
  CHECK(cookie_fits(test_of("c"), request));
  CHECK_FALSE(cookie_fits(test_of("A"), request));
  CHECK_FALSE(cookie_fits(test_of("d"), request));
  const Request twice({{"Cookie", "s=1; s=2"}});
  CHECK(cookie_fits(test_of("s", Kind::equals, {"2"}), twice));
}

TEST_CASE("conditions: all must fit, and none of what `not` has") {
  Conditions conditions;
  conditions.headers.push_back(test_of("X-A"));
  conditions.query.push_back(test_of("b"));
  CHECK(conditions.count() == 2);
  CHECK(conditions.fit(Request({{"X-A", "1"}}, "b").address));
  CHECK_FALSE(conditions.fit(Request({{"X-A", "1"}}).address));
  CHECK_FALSE(conditions.fit(Request({}, "b").address));

  auto none = std::make_unique<Conditions>();
  none->cookies.push_back(test_of("s"));
  none->client.add("10.0.0.0/8");
  none->hosts.add(read_host_pattern("*.test").value());
  none->paths.add("/private", false);
  none->patterns.push_back(postern::policy::Pattern::compile("/.*\\.php").value());
  Conditions negated;
  negated.none_of = std::move(none);
  CHECK(negated.count() == 5);
  Request request({});
  CHECK(negated.fit(request.address));
  CHECK_FALSE(negated.fit(Request({{"Cookie", "s=1"}}).address));
  for (const char* path : {"/private", "/private/x", "/a.php"}) {
    request.address.path = path;
    CHECK_FALSE(negated.fit(request.address));
  }
  request.address.path = "/privately";
  CHECK(negated.fit(request.address));
  request.address.host = "X.Test";
  CHECK_FALSE(negated.fit(request.address));
  request.address.host = "test";
  request.client = IpAddress::parse("10.1.1.1").value();
  CHECK_FALSE(negated.fit(request.address));
}

TEST_CASE("conditions: a request without fields or address fits no condition on them") {
  Conditions conditions;
  conditions.client.add("0.0.0.0/0");
  CHECK_FALSE(conditions.fit({.host = "", .path = "/", .method = "GET"}));
  CHECK_FALSE(header_fits(test_of("X-A"), Request({})));
}

TEST_CASE("conditions: a preflight has the fields that it announces, and no cookies") {
  Request request(
      {{"Access-Control-Request-Headers", "content-type, x-version"}, {"Origin", "https://a.example"}});
  CHECK_FALSE(header_fits(test_of("X-Version", Kind::equals, {"2"}), request));
  request.address.is_preflight = true;
  CHECK(header_fits(test_of("X-Version", Kind::equals, {"2"}), request));
  CHECK(header_fits(test_of("X-Version"), request));
  CHECK_FALSE(header_fits(test_of("X-Beta"), request));
  CHECK(header_fits(test_of("Origin", Kind::prefix, {"https://"}), request));
  CHECK_FALSE(cookie_fits(test_of("beta"), request));
}

TEST_CASE("conditions: their text is the same for the same, in whatever order and case of names") {
  Conditions one;
  one.headers = {test_of("X-A"), test_of("X-B", Kind::equals, {"1", "2"})};
  one.client.add("10.0.0.0/8");
  Conditions other;
  other.headers = {test_of("x-b", Kind::equals, {"2", "1"}), test_of("x-a")};
  other.client.add("10.0.0.0/8");
  CHECK(one.text() == other.text());
  other.headers[0].test.kind = Kind::prefix;
  CHECK(one.text() != other.text());
  auto none = std::make_unique<Conditions>();
  none->headers = {test_of("X-A")};
  Conditions negated;
  negated.none_of = std::move(none);
  Conditions plain;
  plain.headers = {test_of("X-A")};
  CHECK(negated.text() != plain.text());
}
