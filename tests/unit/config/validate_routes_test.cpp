#include "config/validate_routes.h"

#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

// Of routes that begin in line 3, each of a match in one line.
std::string said(const std::vector<std::string>& matches) {
  std::string text = "listeners: [{ address: \"127.0.0.1:0\" }]\nroutes:\n";
  for (const std::string& match : matches) text += "  - { upstream: \"http://a\", match: " + match + " }\n";
  return said_of(text);
}

}  // namespace

TEST_CASE("routes: one path written in two ways is one route") {
  CHECK(said({"{ path: /api }", "{ path: /api/ }"}) ==
        "f:4:36 routes[1].match: can never be taken: routes[0] in line 3 matches the same requests (\"/api\" "
        "and "
        "\"/api/\" are one path)\n");
  CHECK(said({"{ exact: /api }", "{ exact: /api/ }"}) == "");
  CHECK(said({"{ path: / }", "{}"}).find("can never be taken") != std::string::npos);
}

TEST_CASE("routes: the same conditions in another order are the same match") {
  CHECK(said({"{ path: /x, headers: { A: \"1\", B: present } }",
              "{ path: /x, headers: { b: present, a: \"1\" } }"})
            .find("routes[1].match: can never be taken: routes[0] in line 3") != std::string::npos);
  CHECK(said({"{ path: /x, client: [10.0.0.0/8] }", "{ path: /x, client: 10.0.0.0/8 }"}) != "");
  CHECK(said({"{ path: /x, headers: { A: \"1\" } }", "{ path: /x, headers: { A: \"2\" } }", "{ path: /x }",
              "{ path: /x, query: { A: \"1\" } }", "{ path: /x, cookies: { A: \"1\" } }",
              "{ path: /x, not: { headers: { A: \"1\" } } }",
              "{ path: /x, headers: { A: { prefix: \"1\" } } }"}) == "");
  CHECK(said({"{ path: /x, pattern: \"/x/a\" }", "{ path: /x, pattern: \"/x/a\" }"}) != "");
}

TEST_CASE("routes: methods that were all taken leave nothing") {
  CHECK(said({"{ path: /x, methods: [GET] }", "{ path: /x, methods: [POST] }",
              "{ path: /x, methods: [POST, GET] }"})
            .starts_with("f:5:36 routes[2].match: can never be taken"));
  CHECK(said({"{ path: /x }", "{ path: /x, methods: [GET] }"}) == "");  // it comes before the one without
  CHECK(said({"{ path: /x, methods: [GET] }", "{ path: /x, methods: [GET, POST] }"}) == "");
}

TEST_CASE("routes: a list that overlaps another is a warning, one that is covered an error") {
  CHECK(said({"{ host: a.org, path: /x }", "{ host: [a.org, b.org], path: /x }"}) ==
        "f:4:36 warning: routes[1].match: routes[0] in line 3 matches some of the same requests, and stands "
        "first\n");
  CHECK(
      said({"{ host: a.org, path: /x }", "{ host: b.org, path: /x }", "{ host: [a.org, b.org], path: /x/ }"})
          .starts_with("f:5:36 routes[2].match: can never be taken"));
}

TEST_CASE("routes: a host outranks a path, and who is surprised is told") {
  CHECK(
      said({"{ host: api.example.com }", "{ exact: /healthz }"}) ==
      "f:4:36 warning: routes[1].match: \"/healthz\" on \"api.example.com\" goes to routes[0] in line 3, not "
      "here: a host outranks a path. If it is to come here, add the host to match.host of this route\n");
  CHECK(
      said({"{ path: /.well-known/acme-challenge }", "{ host: a.org }", "{ host: b.org, path: / }"})
          .find("\"/.well-known/acme-challenge\" on \"a.org\", \"b.org\" goes to routes[1] in line 4 and the "
                "like, not here") != std::string::npos);
  CHECK(said({"{ host: \"*.org\", path: /x }", "{ host: a.org }"}).find("on \"a.org\"") != std::string::npos);
  CHECK(said({"{ host: \"*.org\", path: /x }", "{ host: \"*.a.org\" }"}).find("on \"*.a.org\"") !=
        std::string::npos);
  CHECK(said({"{ host: a.org, path: /x }", "{ exact: /x }"}).find("\"/x\" on \"a.org\"") !=
        std::string::npos);
}

TEST_CASE("routes: no surprise is made up") {
  // It is as specific as the other, or there is a route for it on that host, or the hosts have nothing in
  // common.
  CHECK(said({"{}", "{ host: a.org }"}) == "");
  CHECK(said({"{ path: /x }", "{ host: a.org, path: /x }"}) == "");
  CHECK(said({"{ exact: /healthz }", "{ host: a.org }", "{ host: a.org, exact: /healthz }"}) == "");
  CHECK(said({"{ host: \"*.com\", path: /x }", "{ host: a.org }", "{ host: com }"}) == "");
  CHECK(said({"{ path: /x }", "{ host: a.org, path: /y }"}) == "");
  CHECK(said({"{ path: /x }", "{ host: a.org, headers: { A: present } }"}) == "");
  CHECK(said({"{ host: [a.org, b.org], path: /x }", "{ host: a.org }"}) == "");
}

TEST_CASE("routes: hosts times paths are bounded") {
  std::string hosts;
  std::string paths;
  for (int i = 0; i < 100; ++i) {
    hosts += (i ? ", h" : "h") + std::to_string(i);
    paths += (i ? ", /p" : "/p") + std::to_string(i);
  }
  const std::string whole = "{ host: [" + hosts + "], path: [" + paths + "] }";
  CHECK(said({whole}) == "");
  CHECK(said({whole, "{ host: [x" + hosts + "], path: [" + paths + "] }", "{ path: /x }"})
            .find("there are more than 20000 pairs of a host and a path") != std::string::npos);
}

TEST_CASE("routes: with numbers for an operator, routes want names") {
  const std::string admin =
      "admin: { address: \"127.0.0.1:0\" }\nlisteners: [{ address: \"127.0.0.1:0\" }]\n";
  CHECK(said_of(admin + "routes:\n  - { name: a, upstream: \"http://a\" }\n"
                        "  - { upstream: \"http://a\", match: { path: /b } }\n"
                        "  - { upstream: \"http://a\", match: { path: /c } }\n") ==
        "f:5:5 warning: routes[1]: has no name (and 1 more): metrics and logs call it by its place, which "
        "changes "
        "when a route is put in front; give it a name\n");
  CHECK(said_of(admin + "routes: [{ upstream: \"http://a\" }]\n") == "");
  CHECK(said_of(admin + "routes: [{ name: none, upstream: \"http://a\" }]\n")
            .find("\"none\" is what metrics call requests of no route") != std::string::npos);
}
