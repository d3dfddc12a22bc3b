#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

const std::string parts =
    "listeners: [{ address: \"127.0.0.1:0\" }]\n"
    "upstreams: { api: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
    "origins: { o: { allow: [\"https://a\"] } }\n"
    "jwt: { j: { keys: k.json, algorithms: [RS256] } }\n"
    "routes:\n";

// Of one route in flow style; its "{" stands in line 6, column 5.
std::string said(const std::string& route) { return said_of(parts + "  - " + route + "\n"); }

}  // namespace

TEST_CASE("route: every key is taken") {
  const auto loaded = load(parts +
                           "  - name: socket\n"
                           "    match: { host: app.example.com, path: /ws, methods: [GET] }\n"
                           "    upstream: api\n"
                           "    origins: o\n"
                           "    jwt: j\n"
                           "    forward_claims: { sub: X-User-Id, email: X-User-Email }\n"
                           "    body_size: 10MiB\n"
                           "  - match: { exact: /login }\n"
                           "    upstream: api\n"
                           "    jwt: { use: j, required: false }\n"
                           "    body_size: none\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  REQUIRE(loaded->routes.size() == 2);
  const RouteDocument& first = loaded->routes[0];
  CHECK(first.name == "socket");
  CHECK(first.hosts == std::vector<std::string>{"app.example.com"});
  CHECK(first.paths == std::vector<std::string>{"/ws"});
  CHECK_FALSE(first.exact);
  CHECK(first.methods == std::vector<std::string>{"GET"});
  CHECK(first.upstream == "api");
  CHECK(first.upstream_location == SourceLocation{8, 15});
  CHECK(first.origins == "o");
  CHECK(first.origins_location == SourceLocation{9, 14});
  REQUIRE(first.jwt.size() == 1);
  CHECK(first.jwt[0] == std::pair(std::string("j"), SourceLocation{10, 10}));
  CHECK(first.jwt_required);
  REQUIRE(first.forward_claims.size() == 2);
  CHECK(first.forward_claims[1].claim == "email");
  CHECK(first.forward_claims[1].header == "X-User-Email");
  CHECK(first.limits.body_size == 10u * 1024 * 1024);
  CHECK(first.location == SourceLocation{6, 5});
  CHECK(first.name_location == SourceLocation{6, 11});
  CHECK(first.match_location == SourceLocation{7, 12});
  const RouteDocument& second = loaded->routes[1];
  CHECK(second.name == "routes[1]");
  CHECK(second.paths == std::vector<std::string>{"/login"});
  CHECK(second.exact);
  CHECK_FALSE(second.jwt_required);
  CHECK(second.jwt.at(0).second == SourceLocation{15, 17});
  CHECK(second.limits.body_size == 0u);
}

TEST_CASE("route: a misspelt key is one problem, not two") {
  CHECK(said("{ upstrem: api }") ==
        "f:6:7 routes[0].upstrem: unknown key \"upstrem\"; did you mean \"upstream\"?\n");
  CHECK(said("{ upstream: api, jwtt: j, forward_claims: { sub: X-U } }") ==
        "f:6:22 routes[0].jwtt: unknown key \"jwtt\"; did you mean \"jwt\"?\n");
  CHECK(said_of(parts + "  - { upstream: api }\n  - { upstream: api, mach: { path: /x } }\n") ==
        "f:7:22 routes[1].mach: unknown key \"mach\"; did you mean \"match\"?\n");
}

TEST_CASE("route: the match is checked") {
  CHECK(said("{ upstream: api, match: { path: ws } }") ==
        "f:6:37 routes[0].match.path: \"ws\" does not begin with \"/\"; write \"/ws\"\n");
  CHECK(said("{ upstream: api, match: { path: /a, exact: /b } }") ==
        "f:6:48 routes[0].match.exact: stands beside path; a match has one of the two\n");
  CHECK(said("{ upstream: api, match: { methods: [get] } }").ends_with("write \"GET\"\n"));
  CHECK(said("{ upstream: api, match: { methods: [] } }")
            .ends_with("is empty; leave methods out to take any\n"));
  CHECK(said("{ upstream: api, match: { methods: [GET, GET] } }")
            .ends_with("\"GET\" stands in this list already\n"));
  CHECK(said("{ upstream: api, match: { host: A.com } }").ends_with("write \"a.com\"\n"));
}

TEST_CASE("route: claims go to fields that are the application's business") {
  CHECK(said("{ upstream: api, jwt: j, forward_claims: { sub: Host } }")
            .starts_with("f:6:53 routes[0].forward_claims.sub: \"Host\" "));
  CHECK(said("{ upstream: api, jwt: j, forward_claims: { sub: Transfer-Encoding } }").find("hop-by-hop") !=
        std::string::npos);
  CHECK(said("{ upstream: api, jwt: j, forward_claims: { a: X-U, b: x-u } }")
            .ends_with("\"x-u\" takes another claim in line 6 already\n"));
  CHECK(said("{ upstream: api, forward_claims: { a: X-U } }") ==
        "f:6:38 routes[0].forward_claims: needs jwt: without a verified token there are no claims\n");
  CHECK(said("{ upstream: api, jwt: { use: j, required: false }, forward_claims: { a: X-U } }").empty());
}

TEST_CASE("route: forward_as says what becomes of the token") {
  using Done = postern::policy::JwtForwarding::Kind;
  using Kind = postern::policy::JwtSource::Kind;
  const auto forwarding = [](const std::string& what) {
    const auto loaded = load(parts + "  - { upstream: api, jwt: { use: j" +
                             (what.empty() ? "" : ", forward_as: ") + what + " } }\n");
    REQUIRE(loaded.has_value());
    CHECK(loaded->warnings.empty());
    return loaded->routes[0].forward_token;
  };
  CHECK(forwarding("").kind == Done::keep);
  CHECK(forwarding("keep").kind == Done::keep);
  CHECK(forwarding("strip").kind == Done::strip);
  const struct {
    std::string text;
    Kind kind;
    std::string name, scheme;
  } places[] = {{"header", Kind::header, "Authorization", ""},
                {"{ header: X-Token }", Kind::header, "X-Token", ""},
                {"{ header: authorization, scheme: Token }", Kind::header, "authorization", "Token"},
                {"{ cookie: session }", Kind::cookie, "session", ""},
                {"{ query: access_token }", Kind::query, "access_token", ""},
                {"subprotocol", Kind::subprotocol, "", ""}};
  for (const auto& [text, kind, name, scheme] : places) {
    const std::string shown(text);  // a binding cannot be captured
    CAPTURE(shown);
    const auto moved = forwarding(text);
    CHECK(moved.kind == Done::move);
    CHECK(moved.place.kind == kind);
    CHECK(moved.place.name == name);
    CHECK(moved.place.scheme == scheme);
  }
}

TEST_CASE("route: forward_as names one place that a token may go to") {
  const auto complaint = [](const std::string& what) {
    return said("{ upstream: api, jwt: { use: j, forward_as: " + what + " } }");
  };
  CHECK(complaint("striip").ends_with("did you mean \"strip\"?\n"));
  CHECK(complaint("cookie").ends_with("forward_as: needs a name: { cookie: NAME }\n"));
  CHECK(complaint("{ cookie: a, query: b }").find("names more or less than one place") != std::string::npos);
  CHECK(complaint("{ scheme: JWT }").find("names more or less than one place") != std::string::npos);
  CHECK(complaint("{ query: a, scheme: JWT }").find("only a header field has a scheme") != std::string::npos);
  CHECK(complaint("{ header: Host }").find("\"Host\" ") != std::string::npos);
  CHECK(complaint("{ header: Transfer-Encoding }").find("hop-by-hop") != std::string::npos);
  CHECK(complaint("{ header: Sec-WebSocket-Protocol }").find("reserved prefix") != std::string::npos);
  CHECK(complaint("{ cookie: \"a b\" }").find("\"a b\" is not") != std::string::npos);
  for (const char* name : {"\"\"", "a%62", "a&b", "a=b", "\"a b\"", "a[]", "\"a\\nb\"", "\u00e4"})
    CHECK_MESSAGE(!complaint(std::string("{ query: ") + name + " }").empty(), name);
}

TEST_CASE("route: a query parameter to which a token is moved is never logged") {
  const auto loaded = load(parts + "  - { upstream: api, jwt: { use: j, forward_as: { query: ticket } } }\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->log.redact.back() == "ticket");
}

TEST_CASE("route: the rest is checked") {
  CHECK(said("{ match: { path: / } }") ==
        "f:6:5 routes[0]: has no action: upstream, files, respond or redirect\n");
  CHECK(said("{ upstream: \"http://a/b\" }").find("has a path or a query") != std::string::npos);
  CHECK(said("{ upstream: api, jwt: { required: false } }") == "f:6:27 routes[0].jwt.use: is missing\n");
  CHECK(said("{ upstream: api, name: \"a b\" }").find("\"a b\" is not a name") != std::string::npos);
  CHECK(said("{ upstream: api, body_size: 10MB }").ends_with("write \"10MiB\"\n"));
  CHECK(said_of("listeners: [{ address: \":0\" }]\nroutes: []\n") ==
        "f:2:9 routes: is empty; every request would be answered with 404\n");
  CHECK(said_of("listeners: [{ address: \":0\" }]\n") == "f:1:1 routes: is missing\n");
}

TEST_CASE("route: paths are unchanged or strict, for the file and for a route") {
  const auto loaded = load("paths: strict\n" + parts +
                           "  - { match: { path: /a }, upstream: api }\n"
                           "  - { match: { path: /b }, upstream: api, paths: unchanged }\n"
                           "  - { match: { path: /c }, upstream: api, paths: strict }\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->strict_paths);
  REQUIRE(loaded->routes.size() == 3);
  CHECK_FALSE(loaded->routes[0].strict_paths.has_value());
  CHECK(loaded->routes[1].strict_paths == false);
  CHECK(loaded->routes[2].strict_paths == true);
  CHECK(said("{ match: { path: / }, upstream: api, paths: stricter }")
            .find("\"stricter\" is not unchanged or strict; did you mean") != std::string::npos);
}
