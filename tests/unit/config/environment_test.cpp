#include "config/environment.h"

#include <doctest/doctest.h>

#include "config/yaml_reader.h"
#include "unit/config/support.h"

using namespace postern::config;

namespace {

// What a scalar becomes, or what is said about it.
std::string substituted(std::string_view scalar, Environment environment = environment_of({})) {
  Diagnostics diagnostics("f");
  Node node;
  node.kind = Node::Kind::scalar;
  node.location = {1, 1};
  node.text = std::string(scalar);
  substitute(node, environment, diagnostics);
  return diagnostics.has_errors() ? diagnostics.text() : node.text;
}

}  // namespace

TEST_CASE("environment: variables, defaults and escapes are put in") {
  const auto environment = environment_of({{"A", "one"}, {"EMPTY", ""}, {"TRICK", "${A}"}});
  CHECK(substituted("${A}", environment) == "one");
  CHECK(substituted("<${A}-${A}>", environment) == "<one-one>");
  CHECK(substituted("${A:-two}", environment) == "one");
  CHECK(substituted("${NONE:-two}", environment) == "two");
  CHECK(substituted("${NONE:-}", environment).empty());
  CHECK(substituted("${EMPTY}x", environment) == "x");
  CHECK(substituted("${EMPTY:-two}", environment) == "two");
  CHECK(substituted("$${A}", environment) == "${A}");
  CHECK(substituted("$$${A}", environment) == "$${A}");
  CHECK(substituted("$A $ 5$", environment) == "$A $ 5$");
  CHECK(substituted("${TRICK}", environment) == "${A}");
  CHECK(substituted("${NONE:-http://a:1/b}", environment) == "http://a:1/b");
}

TEST_CASE("environment: a missing variable is a problem that names it") {
  CHECK(substituted("x${MISSING}") ==
        "f:1:1 the environment variable MISSING is not set (a default is written ${MISSING:-value})\n");
}

TEST_CASE("environment: a malformed variable is a problem") {
  for (const char* bad : {"${", "${A", "${}", "${1A}", "${A B}", "${A:b}", "${A:-${B}}", "${A-b}"}) {
    CAPTURE(bad);
    CHECK(substituted(bad, environment_of({{"A", "one"}, {"B", "two"}})).starts_with("f:1:1 "));
  }
}

TEST_CASE("environment: a value with a line end is refused and not shown") {
  const std::string said = substituted("${A}", environment_of({{"A", "geheim\n"}}));
  CHECK(said.starts_with("f:1:1 the environment variable A holds a control character"));
  CHECK(said.find("geheim") == std::string::npos);
}

TEST_CASE("environment: a variable changes a value and never the structure around it") {
  const auto loaded = load(
      "listeners: [{ address: \"${ADDRESS}\" }]\n"
      "routes:\n"
      "  - upstream: http://127.0.0.1:1\n"
      "    match: { host: \"${HOST}\" }\n",
      environment_of({{"ADDRESS", ":80 }, { address: \":81"}, {"HOST", "a.b"}}));
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().text() == "f:1:24 listeners[0].address: \"${ADDRESS}\" has no port from 0 to 65535\n");
}

TEST_CASE("environment: nothing that came from a variable is printed, however wrong it is") {
  const std::string text =
      "workers: ${S}\n"
      "via: ${S}\n"
      "request_id: \"a ${S}\"\n"
      "trusted_proxies: [\"${S}\"]\n"
      "listeners: [{ address: \"${S}\", tls: { certificate: \"${S}\", key: x, ciphers: \"{${S}\", "
      "min_version: \"${S}\" } }]\n"
      "origins: { o: { allow: [\"https://${S}/\", \"${S}\", \"https://Q${S}\"], max_age: \"${S}\", methods: "
      "[\"a${S}\"] } }\n"
      "jwt: { j: { secret: \"${S}\", keys: \"${S}\", algorithms: [\"${S}\"], from: [\"${S}\", { cookie: \"a "
      "${S}\" }] } }\n"
      "upstreams: { u: { endpoints: [\"${S}\", \"http://${S}/\", \"http://a@${S}\"], balance: \"${S}\" } }\n"
      "routes:\n"
      "  - { upstream: \"${S}\", origins: \"${S}\", jwt: \"${S}\", body_size: \"${S}\", name: \"a ${S}\" }\n"
      "  - { upstream: \"http://${S}/x\", match: { host: \"${S}/\", path: \"${S}\", methods: [\"${S}\"] } }\n"
      "  - { upstream: u, jwt: j, forward_claims: { sub: \"${S} x\" } }\n"
      "log: { level: \"${S}\", redact: [\"a=${S}\"] }\n"
      "limits: { head_size: \"${S}\", idle_timeout: \"${S}\", connections: \"${S}\" }\n";
  const auto loaded = load(text, environment_of({{"S", "Geheimnis7"}}));
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().errors() > 25);
  for (const std::string& said : {loaded.error().text(), loaded.error().json()}) {
    CAPTURE(said);
    CHECK(said.find("eheimnis7") == std::string::npos);
  }
}
