#include "config/validate.h"

#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

TEST_CASE("validate: an unknown name gets a suggestion") {
  CHECK(said_of("listeners: [{ address: \"127.0.0.1:0\" }]\n"
                "upstreams: { orchestrator: { endpoints: [\"http://a\"] } }\n"
                "origins: { dashboard: { allow: [\"https://a\"] } }\n"
                "jwt: { clerk: { keys: k.json, algorithms: [RS256] } }\n"
                "rate_limits: { public: { rate: 1/s }, few: { rate: 1/s } }\n"
                "routes:\n"
                "  - upstream: orchestator\n"
                "    origins: dashbord\n"
                "    jwt: clark\n"
                "    rate_limit: [few, pubic]\n"
                "  - { upstream: nothing-like-it, match: { path: /x } }\n") ==
        "f:7:15 routes[0].upstream: there is no upstream \"orchestator\"; did you mean \"orchestrator\"?\n"
        "f:8:14 routes[0].origins: there is no origin list \"dashbord\"; did you mean \"dashboard\"?\n"
        "f:9:10 routes[0].jwt: there is no jwt \"clark\"; did you mean \"clerk\"?\n"
        "f:10:23 routes[0].rate_limit: there is no rate limit \"pubic\"; did you mean \"public\"?\n"
        "f:11:17 routes[1].upstream: there is no upstream \"nothing-like-it\"; upstreams are written "
        "upstreams: { NAME: { endpoints: [\"http://10.0.0.11:3001\"] } }\n");
}

TEST_CASE("validate: a limit by a claim needs tokens on its route") {
  CHECK(said_of("listeners: [{ address: \"127.0.0.1:0\" }]\n"
                "rate_limits: { each: { rate: 1/s, by: { claim: sub } } }\n"
                "jwt: { clerk: { keys: k.json, algorithms: [RS256] } }\n"
                "routes:\n"
                "  - { upstream: \"http://a\", rate_limit: each, jwt: clerk }\n"
                "  - { upstream: \"http://b\", match: { path: /b }, rate_limit: each }\n") ==
        "f:6:62 routes[1].rate_limit: \"each\" is keyed by a claim, so the route needs jwt\n");
}

TEST_CASE("validate: a route with the same match as one before it can never be taken") {
  CHECK(said_of("listeners: [{ address: \":0\" }]\n"
                "routes:\n"
                "  - { upstream: \"http://a\", match: { path: /x, methods: [GET, POST] } }\n"
                "  - { upstream: \"http://b\", match: { path: /x, methods: [POST, GET] } }\n"
                "  - { upstream: \"http://b\", match: { exact: /x, methods: [POST, GET] } }\n"
                "  - { upstream: \"http://b\", match: { path: /x, methods: [GET] } }\n"
                "  - { upstream: \"http://b\", match: { path: /x, host: a.b } }\n"
                "  - upstream: http://c\n"
                "  - { upstream: \"http://d\", match: { path: / } }\n") ==
        "f:4:36 routes[1].match: can never be taken: routes[0] in line 3 matches the same requests\n"
        "f:5:36 warning: routes[2].match: \"/x\" on \"a.b\" goes to routes[4] in line 7, not here: a host "
        "outranks a "
        "path. If it is to come here, add the host to match.host of this route\n"
        "f:6:36 routes[3].match: can never be taken: routes[0] in line 3 matches the same requests\n"
        "f:9:36 routes[6].match: can never be taken: routes[5] in line 8 matches the same requests\n");
}

TEST_CASE("validate: a catch-all before more specific routes is fine") {
  CHECK(said_of("listeners: [{ address: \":0\" }]\n"
                "routes:\n"
                "  - upstream: http://a\n"
                "  - { upstream: \"http://b\", match: { path: /api } }\n")
            .empty());
}

TEST_CASE("validate: two routes of one name and two listeners of one address are problems") {
  CHECK(said_of("listeners: [{ address: \":80\" }, { address: \":80\" }, { address: \":0\" }, { address: "
                "\":0\" },\n"
                "  { address: \"LOCALHOST:81\" }, { address: \"localhost:81\" }]\n"
                "routes:\n"
                "  - { name: a, upstream: \"http://a\" }\n"
                "  - { name: a, upstream: \"http://a\", match: { path: /b } }\n") ==
        "f:1:44 listeners[1].address: is the address of the listener in line 1 too\n"
        "f:2:43 listeners[5].address: is the address of the listener in line 2 too\n"
        "f:5:13 routes[1].name: \"a\" is the name of the route in line 4 too\n");
}

TEST_CASE("validate: localhost is the addresses that it stands for") {
  const auto said = [](const std::string& one, const std::string& other) {
    return said_of("listeners:\n  - address: \"" + one + "\"\n  - address: \"" + other +
                   "\"\nroutes: [{ upstream: \"http://a\" }]\n");
  };
  const std::string same = "f:3:14 listeners[1].address: is the address of the listener in line 2 too\n";
  for (const char* other : {"127.0.0.1:81", "[::1]:81", "[0:0::1]:81", "Localhost:81"}) {
    CAPTURE(other);
    CHECK(said("localhost:81", other) == same);
    CHECK(said(other, "localhost:81") == same);
  }
  for (const char* other : {"127.0.0.1:82", "127.0.0.2:81", "[::2]:81", "localhost:82"}) {
    CAPTURE(other);
    CHECK(said("localhost:81", other).empty());
  }
  CHECK(said("localhost:0", "127.0.0.1:0").empty());
}

TEST_CASE("validate: a redirect to https needs a listener with tls") {
  CHECK(
      said_of("listeners: [{ address: \":80\", redirect: https }]\nroutes: [{ upstream: \"http://a\" }]\n") ==
      "f:1:41 listeners[0].redirect: leads nowhere: no listener has tls\n");
}

TEST_CASE("validate: a claim cannot go where the request id goes") {
  CHECK(said_of("listeners: [{ address: \"127.0.0.1:0\" }]\n"
                "jwt: { j: { keys: k.json, algorithms: [RS256] } }\n"
                "routes: [{ upstream: \"http://a\", jwt: j, forward_claims: { jti: x-request-ID } }]\n") ==
        "f:3:65 routes[0].forward_claims.jti: \"x-request-ID\" carries the request id already\n");
}

TEST_CASE("validate: tokens over plain HTTP are a warning, except on loopback and behind a trusted proxy") {
  const std::string routes =
      "jwt: { j: { keys: k.json, algorithms: [RS256] } }\n"
      "routes: [{ upstream: \"http://a\", jwt: j }]\n";
  CHECK(said_of("listeners: [{ address: \":80\" }]\n" + routes)
            .starts_with("f:1:24 warning: listeners[0].address: tokens cross"));
  CHECK(said_of("listeners: [{ address: \"127.0.0.1:80\" }]\n" + routes).empty());
  CHECK(said_of("trusted_proxies: [10.0.0.1]\nlisteners: [{ address: \":80\" }]\n" + routes).empty());
  CHECK(said_of("listeners: [{ address: \":80\", redirect: https }, { address: \":443\", tls: { certificate: "
                "a, key: b } }]\n" +
                routes)
            .empty());
}

TEST_CASE("validate: a document that was never a file is held to the same") {
  Diagnostics diagnostics("made");
  validate(Document{}, diagnostics);
  CHECK(diagnostics.text() == "made: listeners: is missing\nmade: routes: is missing\n");
}

TEST_CASE("validate: sticky cookies of the same name and path would overwrite each other") {
  const auto said = [](const std::string& first, const std::string& second) {
    const std::string secret = "secret: 0123456789abcdef0123456789abcdef";
    return said_of(
        "listeners: [{ address: \":0\" }]\nroutes: [{ upstream: a }]\nupstreams:\n"
        "  a: { endpoints: [\"http://a\"], sticky: { " +
        secret + first + " } }\n  b: { endpoints: [\"http://b\"], sticky: { " + secret + second + " } }\n");
  };
  CHECK(
      said("", "") ==
      "f:5:41 warning: upstreams.b.sticky.cookie: has the name and path of the cookie of a; on one host the "
      "two would overwrite each other\n");
  CHECK(said(", cookie: x", ", cookie: x").find("warning: upstreams.b.sticky.cookie: has the name") !=
        std::string::npos);
  CHECK(said("", ", cookie: other") == "");
  CHECK(said("", ", path: /b") == "");
}

TEST_CASE("validate: a redirect that leads back to its own route is warned of, and no other") {
  const auto is_warned_of = [](const std::string& route) {
    const std::string said = said_of("listeners: [{ address: \":0\" }]\nroutes: [" + route + "]\n");
    return said.find("goes round in a circle") != std::string::npos;
  };
  CHECK(is_warned_of("{ match: { path: /a }, redirect: { to: /a/b } }"));
  CHECK(is_warned_of("{ match: { path: /a }, redirect: { to: \"/a?from={uri}\" } }"));
  CHECK(is_warned_of("{ match: { path: /a, methods: [POST] }, redirect: { to: /a } }"));
  CHECK_FALSE(is_warned_of("{ match: { path: /a }, redirect: { to: /b } }"));
  CHECK_FALSE(is_warned_of("{ match: { path: /a, methods: [POST] }, redirect: { to: /a, status: 303 } }"));
  CHECK_FALSE(is_warned_of("{ match: { path: /a, query: { x: present } }, redirect: { to: /a } }"));
}
