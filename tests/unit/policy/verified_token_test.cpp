#include "policy/verified_token.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "policy/token_claims.h"

using postern::base::Json;
using postern::policy::VerifiedToken;

namespace {

VerifiedToken token(std::string_view claims) {
  return VerifiedToken(std::make_unique<VerifiedToken::Claims>(postern::base::parse_json(claims).value()),
                       {});
}

}  // namespace

TEST_CASE("verified token: strings, numbers and booleans are text") {
  VerifiedToken t = token(R"({"sub":"u1","n":-5,"big":18446744073709551615,)"
                          R"("f":1.5,"t":true,"e":"","z":null,"o":{}})");
  CHECK(t.claim("sub") == "u1");
  CHECK(t.claim("n") == "-5");
  CHECK(t.claim("big") == "18446744073709551615");
  CHECK(t.claim("f") == "1.5");
  CHECK(t.claim("t") == "true");
  CHECK(t.claim("e") == "");
  CHECK(t.claim("z") == std::nullopt);
  CHECK(t.claim("o") == std::nullopt);
  CHECK(t.claim("absent") == std::nullopt);
  CHECK(t.has("o"));
  CHECK_FALSE(t.has("z"));
  CHECK_FALSE(t.has("absent"));
}

TEST_CASE("verified token: arrays of strings are joined, other arrays have no text") {
  VerifiedToken t = token(R"({"a":["x","y z"],"one":["x"],"none":[],"mixed":["x",1],"deep":[["x"]]})");
  CHECK(t.claim("a") == "x,y z");
  CHECK(t.claim("one") == "x");
  CHECK(t.claim("none") == "");
  CHECK(t.claim("mixed") == std::nullopt);
  CHECK(t.claim("deep") == std::nullopt);
}

TEST_CASE("verified token: a comma inside an element cannot add an element") {
  CHECK(token(R"({"roles":["reader,admin"]})").claim("roles") == std::nullopt);
}

TEST_CASE("verified token: control characters never come out as text") {
  VerifiedToken t = token(R"({"sub":"a\r\nX-Admin: 1","a":["x\u0000"],"d":"\u007f","tab":"a\tb"})");
  CHECK(t.subject().empty());
  for (std::string_view name : {"sub", "a", "d", "tab"}) CHECK(t.claim(name) == std::nullopt);
  CHECK(t.has("sub"));
}

TEST_CASE("verified token: dots lead into nested claims, and a name with dots wins") {
  VerifiedToken t = token(R"({"realm_access":{"roles":["a","b"],"x.y":"dotted"},)"
                          R"("https://e.org/role":"admin","p":{"q":1},"p.q":2})");
  CHECK(t.claim("realm_access.roles") == "a,b");
  CHECK(t.claim("realm_access.x.y") == "dotted");
  CHECK(t.claim("https://e.org/role") == "admin");
  CHECK(t.claim("p.q") == "2");
  for (std::string_view name : {"realm_access.", ".roles", "realm_access..roles", "p.q.r", "."})
    CHECK(t.claim(name) == std::nullopt);
}

TEST_CASE("verified token: a claim is a value as itself, as an element, or as a word of the scope") {
  VerifiedToken t = token(R"({"role":"admin user","roles":["a","b,c",7],)"
                          R"("scope":"read write","n":7,"t":true})");
  CHECK(t.claim_is("role", "admin user"));
  CHECK_FALSE(t.claim_is("role", "admin"));
  CHECK(t.claim_is("roles", "a"));
  CHECK(t.claim_is("roles", "7"));
  CHECK_FALSE(t.claim_is("roles", "b"));
  CHECK(t.claim_is("scope", "read"));
  CHECK(t.claim_is("scope", "write"));
  CHECK(t.claim_is("scope", "read write"));
  CHECK_FALSE(t.claim_is("scope", "rea"));
  CHECK_FALSE(t.claim_is("scope", ""));
  CHECK(t.claim_is("n", "7"));
  CHECK(t.claim_is("t", "true"));
  CHECK_FALSE(t.claim_is("absent", ""));
}

TEST_CASE("verified token: scopes are words in either claim, as a string or in a list") {
  VerifiedToken t = token(R"({"scp":"read write","permissions":"read write"})");
  CHECK(t.claim_is("scp", "read"));
  CHECK(t.claim_is("scp", "read write"));
  CHECK_FALSE(t.claim_is("scp", "rea"));
  CHECK_FALSE(t.claim_is("permissions", "read"));
  VerifiedToken list = token(R"({"scp":["read","write all"],"scope":["a b",7]})");
  CHECK(list.claim_is("scp", "read"));
  CHECK(list.claim_is("scp", "all"));
  CHECK(list.claim_is("scope", "b"));
  CHECK(list.claim_is("scope", "7"));
  CHECK_FALSE(list.claim_is("scope", "c"));
}

TEST_CASE("verified token: what a revocation can name it by") {
  using namespace postern::state;
  const TokenMarks marks =
      token(R"({"iss":"https://a","sub":"u\u0007","jti":"t1","sid":7,"iat":1700000000.9})").marks();
  CHECK(marks.issuer == mark_of("https://a"));
  CHECK(marks.subject == mark_of("u\a"));
  CHECK(marks.id == mark_of("t1"));
  CHECK(marks.session == mark_of("7"));
  CHECK(marks.issued_at == 1700000000);
  const TokenMarks none = token(R"({"sub":"","jti":null})").marks();
  for (const MarkDigest& mark : {none.issuer, none.subject, none.id, none.session}) CHECK_FALSE(is_set(mark));
  CHECK(none.issued_at == TokenMarks::never_issued);
  for (const char* text : {"1e300", "-1e300", "18446744073709551615"})
    CHECK(token(R"({"iat":)" + std::string(text) + "}").marks().issued_at != TokenMarks::never_issued);
}

TEST_CASE("verified token: another claim can name the user") {
  const VerifiedToken t(std::make_unique<VerifiedToken::Claims>(
                            postern::base::parse_json(R"({"sub":"other","user_id":42})").value()),
                        {}, 0, "user_id");
  CHECK(t.subject() == "42");
  CHECK(t.marks().subject == postern::state::mark_of("42"));
  const VerifiedToken nested(
      std::make_unique<VerifiedToken::Claims>(postern::base::parse_json(R"({"user":{"id":"n1"}})").value()),
      {}, 0, "user.id");
  CHECK(nested.subject() == "n1");
  CHECK(nested.marks().subject == postern::state::mark_of("n1"));
}

TEST_CASE("verified token: two that say the same under some names have the same digest") {
  const std::vector<std::string> names{"role", "realm.roles"};
  const auto digest = [&](std::string_view claims) { return token(claims).digest_of(names); };
  CHECK(digest(R"({"role":"a","realm":{"roles":["x"]},"exp":1})") ==
        digest(R"({"exp":2,"realm":{"other":1,"roles":["x"]},"role":"a"})"));
  for (const char* other :
       {R"({"role":"b","realm":{"roles":["x"]}})", R"({"role":"a","realm":{"roles":["x","y"]}})",
        R"({"role":"a"})", R"({"role":["a"],"realm":{"roles":["x"]}})",
        R"({"role":"a\n\"","realm":{"roles":["x"]}})"}) {
    CAPTURE(other);
    CHECK(digest(other) != digest(R"({"role":"a","realm":{"roles":["x"]}})"));
  }
  CHECK(digest(R"({"role":null})") != digest("{}"));
}
