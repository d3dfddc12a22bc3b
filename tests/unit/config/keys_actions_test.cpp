#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

const std::string parts =
    "listeners: [{ address: \"127.0.0.1:0\" }]\n"
    "upstreams: { api: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
    "routes:\n";

// Of one route in flow style; its "{" stands in line 4, column 5.
std::string said(const std::string& route) { return said_of(parts + "  - " + route + "\n"); }

std::string said_of_redirect(const std::string& to) {
  return said("{ redirect: { to: \"" + to + "\" }, match: { exact: /from } }");
}

RouteDocument route_of(const std::string& route) {
  const auto loaded = load(parts + "  - " + route + "\n");
  REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text()));
  return loaded->routes[0];
}

}  // namespace

TEST_CASE("action: respond has its keys and defaults") {
  const RouteDocument full = route_of(
      "{ respond: { status: 418, body: \"{\\\"tea\\\":1}\", content_type: application/json, "
      "headers: { X-Tea: green, Cache-Control: no-store } } }");
  REQUIRE(full.respond.has_value());
  CHECK(full.respond->status == 418);
  CHECK(full.respond->body == "{\"tea\":1}");
  CHECK(full.respond->content_type == "application/json");
  REQUIRE(full.respond->headers.size() == 2);
  CHECK(full.respond->headers[0] == std::pair<std::string, std::string>("X-Tea", "green"));
  CHECK(full.upstream.empty());
  const RouteDocument plain = route_of("{ respond: { body: ok } }");
  CHECK(plain.respond->status == 200);
  CHECK(plain.respond->content_type.empty());
}

TEST_CASE("action: a fixed body may have several lines, and tabs; no other value may") {
  const auto loaded = load(
      "listeners: [{ address: \"127.0.0.1:0\" }]\nroutes:\n  - respond:\n      body: |\n        User-agent: "
      "*\n"
      "        Disallow:\t/private\n\n        # end\n");
  REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text()));
  CHECK(loaded->routes[0].respond->body == "User-agent: *\nDisallow:\t/private\n\n# end\n");
  CHECK(route_of("{ respond: { body: \"a\\nb\" } }").respond->body == "a\nb");
  CHECK(said("{ respond: { body: \"a\\eb\" } }").find("control character other than a line end or a tab") !=
        std::string::npos);
  CHECK(said("{ respond: { body: \"a\\rb\" } }") != "");
  CHECK(said("{ maintenance: { message: \"a\\nb\" } }") ==
        "f:4:31 routes[0].maintenance.message: holds a control character (a line end or a tab); write it in "
        "one "
        "line\n");
  CHECK(said("{ redirect: { to: \"/a\\tb\" } }") != "");
}

TEST_CASE("action: a body stands in the file or in another one") {
  CHECK(route_of("{ respond: { body_file: pages/a.html } }").respond->body_file == "pages/a.html");
  CHECK(said("{ respond: { body: x, body_file: a } }").find("body_file: stands beside body") !=
        std::string::npos);
  CHECK(said("{ respond: { status: 204, body_file: a } }").find("cannot go with status 204") !=
        std::string::npos);
}

TEST_CASE("action: what a fixed answer cannot be is refused") {
  CHECK(said("{ respond: { status: 199 } }") ==
        "f:4:26 routes[0].respond.status: \"199\" is out of range: 200 to 599\n");
  CHECK(said("{ respond: { status: 204, body: x } }") ==
        "f:4:37 routes[0].respond.body: cannot go with status 204, which has no body\n");
  CHECK(said("{ respond: { status: 304, body: x } }").find("cannot go with status 304") != std::string::npos);
  CHECK(said("{ respond: { headers: { Content-Length: \"5\" } } }") ==
        "f:4:29 routes[0].respond.headers.Content-Length: \"Content-Length\" says where the message goes or "
        "how its body is read\n");
  CHECK(said("{ respond: { headers: { Connection: close } } }").find("hop-by-hop") != std::string::npos);
  CHECK(said("{ respond: { headers: { Content-Type: a/b } } }") ==
        "f:4:43 routes[0].respond.headers.Content-Type: has a key of its own: content_type\n");
  CHECK(said("{ respond: { headers: { X-A: \"a\\r\\nb\" } } }").find("control character") !=
        std::string::npos);
  CHECK(said("{ respond: { content_type: \"a\\nb\" } }").find("control character") != std::string::npos);
  const std::string at_limit(64 * 1024, 'x');
  CHECK(said("{ respond: { body: " + at_limit + " } }").empty());
  CHECK(said("{ respond: { body: " + at_limit + "x } }").find("longer than 64KiB") != std::string::npos);
}

TEST_CASE("action: a redirect has its keys and defaults") {
  const RouteDocument plain = route_of("{ redirect: { to: \"https://b.example{uri}\" } }");
  REQUIRE(plain.redirect.has_value());
  REQUIRE(plain.redirect->to.parts().size() == 2);
  CHECK(plain.redirect->to.parts()[0].text == "https://b.example");
  CHECK(plain.redirect->to.parts()[1].placeholder == postern::policy::Placeholder::uri);
  CHECK(plain.redirect->status == 307);
  for (int status : {301, 302, 303, 307, 308})
    CHECK(route_of("{ redirect: { to: /x, status: " + std::to_string(status) + " } }").redirect->status ==
          status);
  CHECK(said("{ redirect: { to: /x, status: 300 } }") ==
        "f:4:35 routes[0].redirect.status: \"300\" is not one of 301, 302, 303, 307 or 308; did you mean "
        "\"301\"?\n");
  CHECK(said("{ redirect: { status: 301 } }") == "f:4:17 routes[0].redirect.to: is missing\n");
}

TEST_CASE("action: no redirect lets a client choose the host it leads to") {
  for (const char* good :
       {"https://b.example", "https://b.example/", "https://b.example{path}", "https://b.example{uri}",
        "https://{host}{uri}", "https://{host}:8443/x", "{scheme}://{host}{path}",
        "https://www.{host}/{query}", "https://b.example/?back={uri}", "{path}", "{uri}", "/", "/x{path}",
        "/login?next={uri}", "/x{query}", "http://[::1]:80/x"}) {
    CAPTURE(good);
    CHECK(said_of_redirect(good).empty());
  }
  for (const char* bad : {"//b.example/",
                          "/{path}",
                          "/{uri}",
                          "/{query}",
                          "/{claim.sub}",
                          "/{host}",
                          "https://b.example{query}",
                          "https://b.example{claim.sub}/",
                          "https://{claim.sub}.example/",
                          "https://{query}",
                          "https://{path}",
                          "https:///x",
                          "https://",
                          "https://u@b.example/",
                          "b.example",
                          "x{path}",
                          "ftp://b.example/",
                          "javascript:alert(1)",
                          "{host}/x",
                          "{query}",
                          "{scheme}:{path}",
                          "https://b.example/\\\\x",
                          "https://b.example/a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(said_of_redirect(bad).empty());
  }
  CHECK(said_of_redirect("/{path}") ==
        "f:4:23 routes[0].redirect.to: \"/{path}\" has \"/\" before a placeholder that begins with one\n");
}

TEST_CASE("action: an unknown placeholder comes with a suggestion") {
  CHECK(said_of_redirect("/x?h={hots}") ==
        "f:4:23 routes[0].redirect.to: \"/x?h={hots}\" has an unknown placeholder \"{hots}\"; did you mean "
        "\"host\"?\n");
}

TEST_CASE("action: maintenance is a word or a map, beside an action or alone") {
  const RouteDocument word = route_of("{ upstream: api, maintenance: true }");
  REQUIRE(word.maintenance.has_value());
  CHECK(word.maintenance->retry_after == std::chrono::seconds(60));
  CHECK_FALSE(route_of("{ upstream: api, maintenance: false }").maintenance.has_value());
  const RouteDocument map = route_of(
      "{ upstream: api, maintenance: { message: \"Back at noon.\", retry_after: 10m, allow: [10.0.0.0/8, "
      "\"::1\"] } }");
  CHECK(map.maintenance->message == "Back at noon.");
  CHECK(map.maintenance->retry_after == std::chrono::minutes(10));
  CHECK(map.maintenance->allow.contains(*postern::base::IpAddress::parse("10.1.2.3")));
  CHECK(map.maintenance->allow.contains(*postern::base::IpAddress::parse("::1")));
  CHECK_FALSE(map.maintenance->allow.contains(*postern::base::IpAddress::parse("11.0.0.1")));
  CHECK(route_of("{ maintenance: true }").maintenance.has_value());
  CHECK(said("{ maintenance: { allow: [10.0.0.0/8] } }") ==
        "f:4:5 routes[0]: has clients that pass maintenance, and no action for them\n");
  CHECK(said("{ maintenance: { retry_after: 8m, allow: [10.1.0.0/8] } }").find("10.1.0.0/8") !=
        std::string::npos);
}

TEST_CASE("action: there is exactly one") {
  CHECK(said("{ match: { path: /x } }") ==
        "f:4:5 routes[0]: has no action: upstream, files, respond or redirect\n");
  CHECK(said("{ maintenance: false }") ==
        "f:4:5 routes[0]: has no action: upstream, files, respond or redirect\n");
  CHECK(said("{ upstream: api, respond: { body: x } }") ==
        "f:4:31 routes[0].respond: stands beside upstream; a route has one action\n");
  CHECK(said("{ respond: { body: x }, redirect: { to: /x } }") ==
        "f:4:39 routes[0].redirect: stands beside respond; a route has one action\n");
  CHECK(said("{ respnd: { body: x } }") ==
        "f:4:7 routes[0].respnd: unknown key \"respnd\"; did you mean \"respond\"?\n");
}
