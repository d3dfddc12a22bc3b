#include "policy/cors.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "policy/origin.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::http::FieldId;
using postern::http::HeaderField;
using postern::http::ResponseHead;
using postern::support::head_of;
using postern::support::JudgedRequest;

namespace {

// Makes a route with the origin list "a", which has one origin, https://a.org, and with these CORS options.
Pipeline route_with(CorsOptions options) {
  auto list = OriginList::compile({"a", {{OriginRule::Kind::exact, "https://a.org"}}});
  REQUIRE(list);
  std::vector<std::unique_ptr<const Policy>> policies;
  policies.push_back(std::make_unique<CorsPolicy>(std::move(options)));
  policies.push_back(std::make_unique<OriginPolicy>(OriginOptions{*list, false, "api"}));
  return Pipeline(std::move(policies));
}

ResponseHead answered(const Pipeline& route, JudgedRequest& request) {
  Verdict verdict = route.judge(request.context);
  REQUIRE(verdict.answers());
  ResponseHead head = head_of(verdict.response());
  route.amend(request.context, head);
  return head;
}

JudgedRequest& preflight(JudgedRequest& request, std::string_view origin) {
  return request.with("Origin", origin).with("Access-Control-Request-Method", "PUT");
}

size_t cors_fields(const ResponseHead& head) {
  size_t count = 0;
  for (const HeaderField& field : head.headers) count += field.name.starts_with("Access-Control-") ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("cors: a preflight from a listed origin is answered here with the allow lists") {
  CorsOptions options{
      {"GET", "PUT"}, {"X-Token", "Content-Type"}, {"X-Total"}, std::chrono::seconds(60), true};
  const Pipeline route = route_with(options);
  JudgedRequest request("OPTIONS");
  preflight(request, "https://a.org").with("Access-Control-Request-Headers", "x-unknown");
  const ResponseHead head = answered(route, request);
  CHECK(head.status == 204);
  CHECK(head.headers.get(FieldId::access_control_allow_origin) == "https://a.org");
  CHECK(head.headers.get(FieldId::access_control_allow_methods) == "GET, PUT");
  CHECK(head.headers.get(FieldId::access_control_allow_headers) == "X-Token, Content-Type");
  CHECK(head.headers.get(FieldId::access_control_allow_credentials) == "true");
  CHECK(head.headers.get(FieldId::access_control_max_age) == "60");
  CHECK(head.headers.find(FieldId::access_control_expose_headers) == nullptr);
  CHECK(head.headers.get(FieldId::vary) ==
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  CHECK(head.headers.count(FieldId::vary) == 1);
}

TEST_CASE("cors: a preflight is given the fields it asks for when none are configured") {
  const Pipeline route = route_with({.methods = {"GET"}, .headers = {}, .expose = {}});
  JudgedRequest request("OPTIONS");
  preflight(request, "https://a.org").with("Access-Control-Request-Headers", "authorization ,x-a,,X-B");
  CHECK(answered(route, request).headers.get(FieldId::access_control_allow_headers) ==
        "authorization, x-a, X-B");
}

TEST_CASE("cors: a preflight that asks for what is no field name is given none") {
  const Pipeline route = route_with({.methods = {"GET"}, .headers = {}, .expose = {}});
  for (std::string_view asked : {"x-a, b c", "x:y", "(x)", "x-\xc3\xa9"}) {
    JudgedRequest request("OPTIONS");
    preflight(request, "https://a.org").with("Access-Control-Request-Headers", asked);
    const ResponseHead head = answered(route, request);
    CHECK(head.status == 204);
    CHECK(head.headers.find(FieldId::access_control_allow_headers) == nullptr);
  }
}

TEST_CASE("cors: preflight from an unknown origin carries no allow headers") {
  const Pipeline route =
      route_with({.methods = {"GET"}, .headers = {}, .expose = {"X"}, .credentials = true});
  JudgedRequest request("OPTIONS");
  preflight(request, "https://evil.example");
  const ResponseHead head = answered(route, request);
  CHECK(head.status == 403);
  CHECK(cors_fields(head) == 0);
  CHECK(head.headers.list_contains(FieldId::vary, "Origin"));
}

TEST_CASE("cors: an OPTIONS request that is no preflight passes") {
  const Pipeline route = route_with({.methods = {"GET"}, .headers = {}, .expose = {}});
  JudgedRequest plain("OPTIONS");
  plain.with("Origin", "https://a.org");
  CHECK_FALSE(route.judge(plain.context).answers());
  JudgedRequest without_origin("OPTIONS");
  without_origin.with("Access-Control-Request-Method", "PUT");
  CHECK_FALSE(route.judge(without_origin.context).answers());
  JudgedRequest get("GET");
  preflight(get, "https://a.org");
  CHECK_FALSE(route.judge(get.context).answers());
}

TEST_CASE("cors: the endpoint's own fields are replaced, whatever it says") {
  const Pipeline route =
      route_with({.methods = {}, .headers = {}, .expose = {"X-Total", "ETag"}, .credentials = true});
  JudgedRequest request;
  request.with("Origin", "https://a.org");
  REQUIRE_FALSE(route.judge(request.context).answers());
  ResponseHead head;
  head.headers.add("access-control-allow-origin", "*");
  head.headers.add("Access-Control-Allow-Origin", "https://b.org");
  head.headers.add("Access-Control-Allow-Something-New", "1");
  head.headers.add("ACCESS-CONTROL-MAX-AGE", "9");
  head.headers.add("Content-Type", "text/plain");
  route.amend(request.context, head);
  CHECK(head.headers.count(FieldId::access_control_allow_origin) == 1);
  CHECK(head.headers.get(FieldId::access_control_allow_origin) == "https://a.org");
  CHECK(head.headers.get(FieldId::access_control_allow_credentials) == "true");
  CHECK(head.headers.get(FieldId::access_control_expose_headers) == "X-Total, ETag");
  CHECK(head.headers.find(FieldId::access_control_max_age) == nullptr);
  CHECK(head.headers.find("Access-Control-Allow-Something-New") == nullptr);
  CHECK(head.headers.get(FieldId::content_type) == "text/plain");
}

TEST_CASE(
    "cors: a response to no listed origin keeps nothing of the endpoint's fields but varies by origin") {
  const Pipeline route = route_with({.methods = {}, .headers = {}, .expose = {"X"}, .credentials = true});
  JudgedRequest request;
  REQUIRE_FALSE(route.judge(request.context).answers());
  ResponseHead head;
  head.headers.add("Access-Control-Allow-Origin", "*");
  route.amend(request.context, head);
  CHECK(cors_fields(head) == 0);
  CHECK(head.headers.get(FieldId::vary) == "Origin");
}

TEST_CASE("cors: credentials are said only where they are configured") {
  const Pipeline route = route_with({.methods = {}, .headers = {}, .expose = {}});
  JudgedRequest request;
  request.with("Origin", "https://a.org");
  REQUIRE_FALSE(route.judge(request.context).answers());
  ResponseHead head;
  head.headers.add("Access-Control-Allow-Credentials", "true");
  route.amend(request.context, head);
  CHECK(head.headers.find(FieldId::access_control_allow_credentials) == nullptr);
  CHECK(cors_fields(head) == 1);
}

TEST_CASE("cors: Origin joins the endpoint's Vary once") {
  const Pipeline route = route_with({.methods = {}, .headers = {}, .expose = {}});
  const auto vary_after = [&route](std::initializer_list<std::string_view> before) {
    JudgedRequest request;
    ResponseHead head;
    for (std::string_view value : before) head.headers.add("Vary", value);
    route.amend(request.context, head);
    CHECK(head.headers.count(FieldId::vary) == 1);
    return std::string(head.headers.get(FieldId::vary));
  };
  CHECK(vary_after({}) == "Origin");
  CHECK(vary_after({""}) == "Origin");
  CHECK(vary_after({"Accept-Encoding"}) == "Accept-Encoding, Origin");
  CHECK(vary_after({"Accept-Encoding, origin"}) == "Accept-Encoding, origin");
  CHECK(vary_after({"Accept", "Cookie"}) == "Accept, Cookie, Origin");
  CHECK(vary_after({"Accept", "Origin"}) == "Accept, Origin");
  CHECK(vary_after({"*"}) == "*");
}

TEST_CASE("cors: a refusal by a later policy carries the fields too") {
  const Pipeline route = route_with({.methods = {}, .headers = {}, .expose = {}});
  JudgedRequest request;
  request.with("Origin", "https://a.org");
  REQUIRE_FALSE(route.judge(request.context).answers());
  ResponseHead head = head_of(postern::http::refusal(postern::base::Cause::upstream_refused, "x"));
  route.amend(request.context, head);
  CHECK(head.status == 502);
  CHECK(head.headers.get(FieldId::access_control_allow_origin) == "https://a.org");
}

TEST_CASE("cors: where a list only reports, an origin that is not on it is the endpoint's affair") {
  auto list = OriginList::compile({"a", {{OriginRule::Kind::exact, "https://a.org"}}});
  REQUIRE(list);
  std::vector<std::unique_ptr<const Policy>> policies;
  policies.push_back(std::make_unique<CorsPolicy>(CorsOptions{}));
  policies.push_back(
      std::make_unique<OriginPolicy>(OriginOptions{*list, false, "api", nullptr, false, true}));
  const Pipeline route(std::move(policies));
  for (std::string_view origin : {"https://a.org", "https://b.org"}) {
    CAPTURE(origin);
    JudgedRequest request;
    request.with("Origin", origin);
    REQUIRE(route.judge(request.context).passes());
    ResponseHead head;
    head.headers.add("Access-Control-Allow-Origin", "*");
    route.amend(request.context, head);
    CHECK(head.headers.get(FieldId::access_control_allow_origin) ==
          (origin == "https://a.org" ? origin : "*"));
    CHECK(head.headers.count(FieldId::access_control_allow_origin) == 1);
    CHECK(head.headers.get(FieldId::vary) == "Origin");
  }
  JudgedRequest asked("OPTIONS");
  CHECK(route.judge(preflight(asked, "https://b.org").context).passes());
}
