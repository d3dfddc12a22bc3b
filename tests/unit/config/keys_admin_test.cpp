#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

TEST_CASE("decode admin: an address of this machine, or a socket file") {
  CHECK_FALSE(load(rest)->admin.has_value());
  const auto tcp = load("admin: { address: \"127.0.0.1:9901\" }\n" + rest);
  REQUIRE(tcp.has_value());
  CHECK(tcp->admin->host == "127.0.0.1");
  CHECK(tcp->admin->port == 9901);
  CHECK(load("admin: { address: \"localhost:0\" }\n" + rest)->admin->host == "localhost");
  CHECK(load("admin: { address: \"[::1]:9901\" }\n" + rest)->admin->host == "::1");
  CHECK(load("admin: { address: \"unix:/run/x.sock\" }\n" + rest)->admin->unix_path == "/run/x.sock");
}

TEST_CASE("decode admin: what others can reach must be said") {
  const std::string why =
      "can be reached from other machines, and nobody is asked for a password there; write 127.0.0.1 for its "
      "host, or say public: true\n";
  CHECK(said_of_part("admin: { address: \":9901\" }") == "f:1:19 admin.address: " + why);
  CHECK(said_of_part("admin: { address: \"10.0.0.1:9901\" }") == "f:1:19 admin.address: " + why);
  CHECK(said_of_part("admin: { address: \":9901\", public: true }").empty());
  CHECK(said_of_part("admin: { address: \"x.example:9901\", public: true }") ==
        "f:1:19 admin.address: is a name; a listener needs an address of this machine\n");
  CHECK(said_of_part("admin: { address: \"unix:\" }") ==
        "f:1:19 admin.address: \"unix:\" names no file; write \"unix:/run/postern/admin.sock\"\n");
  CHECK(said_of_part("admin: {}") == "f:1:8 admin.address: is missing\n");
}
