#include "config/foreign_keys.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/schema.h"
#include "unit/config/support.h"

using namespace postern::config;

TEST_CASE("foreign keys: any spelling is found, and what it is here is said") {
  for (const char* key : {"proxy_pass", "proxyPass", "proxy-pass", "PROXY_PASS"}) {
    CAPTURE(key);
    REQUIRE(find_foreign_key(key) != nullptr);
    CHECK(find_foreign_key(key)->ours == "upstream");
  }
  CHECK(find_foreign_key("port")->ours == "address");
  CHECK(find_foreign_key("port", {"url", "weight"})->ours == "url");
  CHECK(find_foreign_key("host") == nullptr);  // a key of ours in most places
  CHECK(find_foreign_key("upstream") == nullptr);
  CHECK(find_foreign_key("") == nullptr);
  CHECK(find_foreign_key(std::string(1000, 'x')) == nullptr);
}

TEST_CASE("foreign keys: every key that is named in their stead is one of the schema") {
  for (const char* key :
       {"target", "ws", "changeOrigin", "proxy_pass", "rule", "basic_auth", "acme", "reverse_proxy",
        "server_name", "location", "listen", "ssl_certificate", "basicAuth", "certResolver", "try_files",
        "loadBalancer", "client_max_body_size", "proxy_set_header", "gzip"}) {
    CAPTURE(key);
    const ForeignKey* row = find_foreign_key(key);
    REQUIRE(row != nullptr);
    CHECK(!row->advice.empty());
    const auto is_ours = [&](const SchemaKey& known) { return key_name(known) == row->ours; };
    CHECK((row->ours.empty() || std::any_of(schema().begin(), schema().end(), is_ours)));
  }
}

TEST_CASE("foreign keys: a key of another place is told where it belongs") {
  CHECK(said_of_part("path: /api") == "f:1:1 path: unknown key \"path\"; did you mean \"paths\"?\n");
  CHECK(said_of_part("burst: 5").find("unknown key \"burst\"") != std::string::npos);
  CHECK(said_of_part("realm: x") == "f:1:1 realm: unknown key \"realm\"; it is a key of basic_auth.NAME\n");
  CHECK(said_of_part("issuer: x") ==
        "f:1:1 issuer: unknown key \"issuer\"; it is a key of jwt.NAME and of "
        "routes[].client_certificate.forward\n");
  // More than two places are no help.
  CHECK(said_of_part("head_size: 1KiB") ==
        "f:1:1 head_size: unknown key \"head_size\" (postern reference prints every key)\n");
}
