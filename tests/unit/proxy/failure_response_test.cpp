#include "proxy/failure_response.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/json.h"

using namespace postern;
using base::Cause;
using http::FieldId;

namespace {

constexpr int64_t noon = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

struct Rendered {
  http::ResponseHead head;
  std::string body;
};

Rendered rendered(const http::LocalResponse& response, std::string_view request_id = "id-1") {
  Rendered made;
  made.body = proxy::render(response, {.request_id = request_id, .now_unix = noon}, made.head);
  return made;
}

std::string member(const std::string& body, std::string_view name) {
  const auto json = base::parse_json(body);
  REQUIRE(json.has_value());
  const std::string* found = base::find_string(*json, name);
  return found ? *found : "(none)";
}

}  // namespace

TEST_CASE("failure response: every cause has its status and a JSON body that names it") {
  for (int i = 0; i < base::cause_count; ++i) {
    const auto cause = static_cast<Cause>(i);
    const base::ErrorTraits& traits = base::traits(cause);
    CAPTURE(traits.label);
    const Rendered made = rendered(proxy::failure_response({cause, base::Stage::routing}, "the detail"));
    CHECK(made.head.status == traits.status);
    CHECK(made.head.body == http::BodyKind::length);
    CHECK(made.head.content_length == made.body.size());
    CHECK(made.head.headers.get(FieldId::content_type) == "application/json");
    CHECK(made.head.headers.find("Cache-Control")->value == "no-store");
    CHECK(made.head.headers.get(FieldId::date) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(member(made.body, "error") == traits.label);
    CHECK(member(made.body, "message") == traits.meaning);
    CHECK(member(made.body, "request_id") == "id-1");
    CHECK(made.body.back() == '\n');
  }
}

TEST_CASE("failure response: detail and remedy are shown for the client's faults alone") {
  for (int i = 0; i < base::cause_count; ++i) {
    const auto cause = static_cast<Cause>(i);
    const base::ErrorTraits& traits = base::traits(cause);
    CAPTURE(traits.label);
    const Rendered made =
        rendered(proxy::failure_response({cause, base::Stage::connect}, "10.9.8.7:3000 refused"));
    const bool client = traits.fault == base::Side::client;
    CHECK(member(made.body, "detail") == (client ? "10.9.8.7:3000 refused" : "(none)"));
    CHECK(member(made.body, "remedy") == (client ? traits.remedy : "(none)"));
    CHECK((made.body.find("10.9.8.7") != std::string::npos) == client);
  }
}

TEST_CASE("failure response: a detail with quotes and controls stays one JSON string") {
  const std::string detail = "say \"no\"\r\nto \\ and \x01";
  const Rendered made =
      rendered(proxy::failure_response({Cause::bad_request, base::Stage::request_head}, detail));
  CHECK(member(made.body, "detail") == detail);
  CHECK(made.body.find('\n') == made.body.size() - 1);
}

TEST_CASE("failure response: without a request id none is named") {
  const Rendered made = rendered(proxy::failure_response({Cause::no_route, base::Stage::routing}, {}), {});
  CHECK(member(made.body, "request_id") == "(none)");
  CHECK(member(made.body, "detail") == "(none)");
}

TEST_CASE("failure response: 426 names the WebSocket version and 503 asks for patience") {
  const Rendered upgrade =
      rendered(proxy::failure_response({Cause::upgrade_required, base::Stage::routing}, {}));
  CHECK(upgrade.head.status == 426);
  CHECK(upgrade.head.headers.get(FieldId::sec_websocket_version) == "13");
  const Rendered draining =
      rendered(proxy::failure_response({Cause::shutting_down, base::Stage::connect}, {}));
  CHECK(draining.head.status == 503);
  REQUIRE(draining.head.headers.find("Retry-After") != nullptr);
  CHECK(draining.head.headers.find("Retry-After")->value == "1");
  const Rendered refused =
      rendered(proxy::failure_response({Cause::upstream_refused, base::Stage::connect}, {}));
  CHECK(refused.head.headers.find("Retry-After") == nullptr);
}

TEST_CASE("failure response: an answer that is no refusal keeps its own body and fields") {
  http::LocalResponse redirect;
  redirect.status = 308;
  redirect.headers.emplace_back("Location", "https://a.example/x");
  redirect.body = "over there";
  const Rendered made = rendered(redirect);
  CHECK(made.body == "over there");
  CHECK(made.head.content_length == 10);
  CHECK(made.head.headers.find("Location")->value == "https://a.example/x");
  CHECK(made.head.headers.find(FieldId::content_type) == nullptr);
  http::LocalResponse preflight;
  preflight.status = 204;
  CHECK(rendered(preflight).head.body == http::BodyKind::none);
}

TEST_CASE("failure response: the client's Accept says what it looks like") {
  http::RequestHead request;
  request.authority = "app.example";
  request.headers.add("Accept", "text/html,*/*;q=0.8");
  const http::LocalResponse lost = proxy::failure_response({Cause::no_route, base::Stage::routing}, {});
  Rendered page;
  page.body = proxy::render(lost, {.request = &request, .host = request.authority, .target = "/a<b>?token=x"},
                            page.head);
  CHECK(page.head.headers.get(FieldId::content_type) == "text/html; charset=utf-8");
  CHECK(page.head.headers.find("Content-Security-Policy")->value.starts_with("default-src 'none'"));
  CHECK(page.head.headers.find("X-Content-Type-Options")->value == "nosniff");
  CHECK(page.head.content_length == page.body.size());
  CHECK(page.body.find("app.example/a&lt;b&gt;<") != std::string::npos);
  CHECK(page.body.find("token") == std::string::npos);  // a query may contain a secret
}

TEST_CASE("failure response: an operator's page stands in for the one of its kind, with its own policy") {
  http::RequestHead request;
  request.headers.add("Accept", "text/html");
  proxy::ErrorPages pages;
  pages.add(404, 404, proxy::PageFormat::html, "<h1>{error}</h1>");
  const http::LocalResponse lost = proxy::failure_response({Cause::no_route, base::Stage::routing}, {});
  Rendered page;
  page.body = proxy::render(lost, {.pages = &pages, .request = &request}, page.head);
  CHECK(page.body == "<h1>no_route</h1>");
  CHECK(page.head.headers.find("Content-Security-Policy") == nullptr);
  Rendered json;
  json.body = proxy::render(lost, {.pages = &pages}, json.head);
  CHECK(member(json.body, "error") == "no_route");
}

TEST_CASE("failure response: with full detail the endpoint's faults are told as well") {
  proxy::ErrorPages pages;
  pages.full_detail = true;
  Rendered made;
  made.body =
      proxy::render(proxy::failure_response({Cause::upstream_refused, base::Stage::connect}, "10.9.8.7:3000"),
                    {.pages = &pages}, made.head);
  CHECK(member(made.body, "detail") == "10.9.8.7:3000");
  CHECK(member(made.body, "remedy") == base::traits(Cause::upstream_refused).remedy);
}
