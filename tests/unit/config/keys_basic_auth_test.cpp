#include <doctest/doctest.h>

#include <fstream>

#include "config/compile_access.h"
#include "crypto/password_hash.h"
#include "policy/password_list.h"
#include "support/temporary_folder.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;

namespace {

const std::string hash = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";
const std::string argon2id =
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

const std::string users = "basic_auth: { staging: { users: { alice: \"" + hash + "\" } } }\n";
const std::string tokens =
    "jwt: { login: { secret: 0123456789012345678901234567890123456789, algorithms: [HS256] } }\n";

// A good file but for what the last of its routes says.
std::string said_of_route(const std::string& route, const std::string& parts = users + tokens) {
  return said_of(parts + rest + route);
}

}  // namespace

TEST_CASE("basic_auth: every key is taken") {
  const auto loaded = load(
      "basic_auth:\n"
      "  staging:\n"
      "    realm: Staging of the \"shop\"\n"
      "    users: { alice: \"" +
      hash + "\", 'bob@example.com': '" + argon2id +
      "' }\n"
      "    file: more.users\n" +
      rest + "    basic_auth: { use: staging, forward_user: X-Remote-User, keep_authorization: true }\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  REQUIRE(loaded->basic_auth.size() == 1);
  const BasicAuthDocument& list = loaded->basic_auth[0];
  CHECK(list.name == "staging");
  CHECK(list.realm == "Staging of the \"shop\"");
  REQUIRE(list.users.size() == 2);
  CHECK(list.users[1].name == "bob@example.com");
  CHECK(list.users[1].hash == argon2id);
  CHECK(list.file == "more.users");
  CHECK(list.file_location == SourceLocation{5, 11});
  const BasicAuthUse& use = loaded->routes[0].basic_auth;
  CHECK(use.use == "staging");
  CHECK(use.user_field == "X-Remote-User");
  CHECK(use.keep_authorization);
}

TEST_CASE("basic_auth: weak hashes are refused and never repeated") {
  const auto said = [](const std::string& value) {
    return said_of("basic_auth: { s: { users: { alice: " + value + " } } }\n" + rest + "    basic_auth: s\n");
  };
  CHECK(
      said("hunter2") ==
      "f:1:36 basic_auth.s.users.alice: is plain text or a DES hash, and no hash that is hard to guess; make "
      "a good one with: postern hash\n");
  CHECK(said("\"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\"").find("W6ph") == std::string::npos);
  CHECK(said("\"$apr1$abc$JyUcZ0q2bhTUU8yDRzEUl1\"").find("is an MD5 hash ($apr1$)") != std::string::npos);
  CHECK(said("[a]") != "");
}

TEST_CASE("basic_auth: a list needs users, with names that can be sent, and a realm that can be shown") {
  const auto said = [](const std::string& list) {
    return said_of("basic_auth: { s: " + list + " }\n" + rest + "    basic_auth: s\n");
  };
  CHECK(said("{ realm: x }") == "f:1:18 basic_auth.s: has neither users nor a file; nobody could log in\n");
  CHECK(said("{ users: {} }") == "f:1:27 basic_auth.s.users: is empty; nobody could log in\n");
  CHECK(said("{ users: { \"a:b\": \"" + hash + "\" } }").find("a colon or a control character") !=
        std::string::npos);
  CHECK(said("{ realm: \"J\xc3\xbcrgen\", users: { a: \"" + hash + "\" } }").find("printable ASCII") !=
        std::string::npos);
}

TEST_CASE("basic_auth: a route names a list that exists, and takes it apart from jwt") {
  CHECK(said_of_route("    basic_auth: staging\n") == "");
  CHECK(said_of_route("    basic_auth: stagin\n") ==
        "f:7:17 routes[0].basic_auth: there is no basic_auth \"stagin\"; did you mean \"staging\"?\n");
  CHECK(said_of_route("    basic_auth: staging\n    jwt: login\n") ==
        "f:7:17 routes[0].basic_auth: needs Authorization, where jwt looks for its token too, and no request "
        "has "
        "both; let the token come from another place, or write access: any\n");
  const std::string from_cookie =
      "jwt: { login: { secret: 0123456789012345678901234567890123456789, algorithms: [HS256], from: [{ "
      "cookie: "
      "t }] } }\n";
  CHECK(said_of_route("    basic_auth: staging\n    jwt: login\n", users + from_cookie) == "");
  CHECK(said_of_route("    basic_auth: staging\n    jwt: login\n    access: any\n") == "");
}

TEST_CASE("access: a choice needs two ways in, and one that keeps somebody out") {
  CHECK(said_of_route("    access: any\n") ==
        "f:7:13 routes[0].access: chooses among allow, client_certificate, basic_auth, jwt and forward_auth, "
        "and "
        "the route has none of them\n");
  CHECK(said_of_route("    access: any\n    basic_auth: staging\n") ==
        "f:7:13 routes[0].access: chooses among allow, client_certificate, basic_auth, jwt and forward_auth, "
        "and "
        "the route has one of them\n");
  CHECK(said_of_route("    access: any\n    basic_auth: staging\n    allow: 10.0.0.0/8\n") == "");
  CHECK(said_of_route("    access: any\n    jwt: { use: login, required: false }\n    allow: 10.0.0.0/8\n") ==
        "f:7:13 routes[0].access: any lets everybody in: jwt with required: false passes without a token\n");
  CHECK(said_of_route("    access: all\n") == "");
  CHECK(said_of_route("    access: some\n") != "");
}

TEST_CASE("basic_auth: the field of the user is free") {
  CHECK(said_of_route("    basic_auth: { use: staging, forward_user: X-Request-Id }\n") ==
        "f:7:47 routes[0].basic_auth.forward_user: \"X-Request-Id\" carries the request id already\n");
  const std::string both =
      "    basic_auth: { use: staging, forward_user: X-User }\n    jwt: login\n"
      "    forward_claims: { sub: x_user }\n";
  const std::string from_cookie =
      "jwt: { login: { secret: 0123456789012345678901234567890123456789, algorithms: [HS256], from: [{ "
      "cookie: t }] } }\n";
  CHECK(said_of_route(both, users + from_cookie) ==
        "f:7:47 routes[0].basic_auth.forward_user: \"X-User\" carries the claim \"sub\" already\n");
  CHECK(said_of_route(both + "    access: any\n") == "");  // the one or the other is known
  CHECK(said_of_route("    basic_auth: { use: staging, forward_user: Content-Length }\n") != "");
}

TEST_CASE("basic_auth: passwords on a listener without TLS are warned of") {
  const std::string open =
      "listeners: [{ address: \":8080\" }]\nroutes:\n  - upstream: http://127.0.0.1:1\n    basic_auth: "
      "staging\n";
  CHECK(
      said_of(users + open) ==
      "f:2:24 warning: listeners[0].address: passwords cross the network readable: the listener has no tls, "
      "and "
      "routes use basic_auth\n");
  CHECK(said_of("trusted_proxies: [10.0.0.1]\n" + users + open) == "");
}

TEST_CASE("basic_auth: the users of a file are added, and its mistakes are told by line and not repeated") {
  const support::TemporaryFolder folder;
  const std::string file = folder.file("site.users");
  const auto compile = [&](const std::string& text, std::string& said) {
    std::ofstream(file) << text;
    auto document =
        load("basic_auth: { s: { users: { alice: \"" + hash + "\" }, file: " + file + " } }\n" + rest);
    REQUIRE(document.has_value());
    Diagnostics problems("f");
    auto lists = compile_users(*document, problems);
    said = problems.text();
    return lists;
  };
  std::string said;
  auto lists = compile("# people\n\nbob:" + hash + "\r\n  carol:" + argon2id, said);
  CHECK(said == "");
  REQUIRE(lists.contains("s"));
  CHECK(lists["s"].users->size() == 3);
  CHECK(lists["s"].users->find("carol").is_known_user);
  CHECK(lists["s"].realm == "s");
  const uint64_t fingerprint = lists["s"].fingerprint;
  CHECK(compile("bob:" + hash, said)["s"].fingerprint != fingerprint);

  lists = compile("bob:" + hash + "\nsecret\ndave:secret\nalice:" + hash + "\n", said);
  CHECK(lists.empty());
  CHECK(said.find("line 2 of " + file + " is not of the form user:hash") != std::string::npos);
  CHECK(said.find("line 3 of " + file + " is plain text or a DES hash") != std::string::npos);
  CHECK(said.find("line 4 of " + file + " has a user that is listed already") != std::string::npos);
  CHECK(said.find("secret") == std::string::npos);
  CHECK(said.find("dave") == std::string::npos);
}
