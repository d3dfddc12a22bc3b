// What the rules of required_claims make of tokens and requests, from their text in the file on.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "http/path_readings.h"
#include "policy/token_claims.h"
#include "support/judged_request.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using policy::VerifiedToken;

namespace {

std::string file_with(const std::string& rules) {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
         "jwt: { login: { secret: an-old-song-about-a-very-long-river, algorithms: [HS256] } }\n"
         "upstreams: { api: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
         "routes:\n"
         "  - upstream: api\n"
         "    name: r\n"
         "    jwt: login\n"
         "    required_claims: " +
         rules + "\n";
}

std::vector<ClaimRuleDocument> rules_of(const std::string& text) {
  const auto loaded = load(file_with(text));
  if (!loaded) MESSAGE(loaded.error().text());
  REQUIRE(loaded.has_value());
  return loaded->routes[0].required_claims;
}

struct Asked {
  const char* method = "GET";
  const char* target = "/";
  const char* host = "app.example.com";
};

// The name of the rule that refuses the request; empty: it passes.
std::string refused_by(const std::vector<ClaimRuleDocument>& rules, const std::string& claims,
                       const Asked& asked = {}) {
  auto json = base::parse_json(claims);
  REQUIRE(json.has_value());
  const VerifiedToken token(std::make_unique<const VerifiedToken::Claims>(std::move(*json)), {});
  support::JudgedRequest request(asked.method, asked.target);
  REQUIRE(request.readable);
  request.context.authority = asked.host;
  std::optional<http::PathReadings> readings;
  for (const ClaimRuleDocument& rule : rules)
    if (rule.applies_to(asked.method) && !rule.permits(token, request.context, readings)) return rule.name;
  return {};
}

struct Row {
  const char* rule;
  const char* claims;
  bool permitted;
  Asked asked{};
};

}  // namespace

TEST_CASE("claim rules: what a claim must be") {
  const Row rows[] = {
      // a value
      {"{ role: admin }", R"({"role":"admin"})", true},
      {"{ role: admin }", R"({"role":"Admin"})", false},
      {"{ role: admin }", R"({"role":"admin "})", false},
      {"{ role: admin }", R"({"role":"administrator"})", false},
      {"{ role: admin }", R"({"roles":"admin"})", false},
      {"{ role: admin }", R"({})", false},
      {"{ role: admin }", R"({"role":null})", false},
      {"{ role: admin }", R"({"role":{"admin":true}})", false},
      {"{ role: admin }", R"({"role":"user admin"})", false},
      {"{ role: admin }", R"({"role":"user,admin"})", false},
      {"{ role: admin }", R"({"role":"admin\u0000"})", false},
      // an element of a list
      {"{ role: admin }", R"({"role":["user","admin"]})", true},
      {"{ role: admin }", R"({"role":["user"]})", false},
      {"{ role: admin }", R"({"role":[]})", false},
      {"{ role: admin }", R"({"role":[["admin"]]})", false},
      {"{ role: admin }", R"({"role":["user,admin"]})", false},
      {"{ role: admin }", R"({"role":["user admin"]})", false},
      {"{ role: admin }", R"({"role":[null,{"a":"admin"},"admin"]})", true},
      // one of several
      {"{ role: [admin, editor] }", R"({"role":"editor"})", true},
      {"{ role: [admin, editor] }", R"({"role":["x","editor"]})", true},
      {"{ role: [admin, editor] }", R"({"role":"admin,editor"})", false},
      {"{ role: [admin, editor] }", R"({"role":"reader"})", false},
      // all of several
      {"{ role: { all: [a, b] } }", R"({"role":["b","c","a"]})", true},
      {"{ role: { all: [a, b] } }", R"({"role":["a","c"]})", false},
      {"{ role: { all: [a, b] } }", R"({"role":"a"})", false},
      {"{ role: { all: [a] } }", R"({"role":"a"})", true},
      {"{ role: { all: [a, b] } }", R"({})", false},
      // booleans and numbers
      {"{ email_verified: true }", R"({"email_verified":true})", true},
      {"{ email_verified: true }", R"({"email_verified":false})", false},
      {"{ email_verified: true }", R"({"email_verified":1})", false},
      {"{ email_verified: true }", R"({"email_verified":"true"})", true},
      {"{ level: 3 }", R"({"level":3})", true},
      {"{ level: 3 }", R"({"level":30})", false},
      {"{ level: 3 }", R"({"level":[1,3]})", true},
      {"{ level: 9007199254740993 }", R"({"level":9007199254740992})", false},
      {"{ level: { at_least: 2 } }", R"({"level":2})", true},
      {"{ level: { at_least: 2 } }", R"({"level":2.5})", true},
      {"{ level: { at_least: 2 } }", R"({"level":1.999})", false},
      {"{ level: { at_least: 2 } }", R"({"level":"5"})", false},
      {"{ level: { at_least: 2 } }", R"({"level":true})", false},
      {"{ level: { at_least: 2 } }", R"({"level":[1,2]})", true},
      {"{ level: { at_least: 2 } }", R"({})", false},
      {"{ level: { at_most: -1 } }", R"({"level":-2})", true},
      {"{ level: { at_most: -1 } }", R"({"level":0})", false},
      {"{ level: { at_least: 1, at_most: 3 } }", R"({"level":3})", true},
      {"{ level: { at_least: 1, at_most: 3 } }", R"({"level":4})", false},
      {"{ level: { at_least: 1, at_most: 3 } }", R"({"level":[0,4]})", false},
      {"{ level: { at_least: 0.5 } }", R"({"level":1e300})", true},
      // present
      {"{ sub: present }", R"({"sub":"u"})", true},
      {"{ sub: present }", R"({"sub":""})", true},
      {"{ sub: present }", R"({"sub":false})", true},
      {"{ sub: present }", R"({"sub":null})", false},
      {"{ sub: present }", R"({})", false},
      {"{ realm_access: present }", R"({"realm_access":{}})", true},
      // patterns
      {"{ email: { pattern: \".+@example[.]com\" } }", R"({"email":"a@example.com"})", true},
      {"{ email: { pattern: \".+@example[.]com\" } }", R"({"email":"a@example.com.evil.net"})", false},
      {"{ email: { pattern: \".+@example[.]com\" } }", R"({"email":"a@exampleXcom"})", false},
      {"{ email: { pattern: \".+@example[.]com\" } }", R"({"email":["x","a@example.com"]})", true},
      {"{ email: { pattern: \".*\" } }", R"({"email":7})", false},
      {"{ email: { pattern: \".*\" } }", R"({})", false},
      // scopes
      {"{ scope: jobs:write }", R"({"scope":"jobs:read jobs:write"})", true},
      {"{ scope: jobs:write }", R"({"scope":"jobs:read  jobs:write "})", true},
      {"{ scope: jobs:write }", R"({"scope":["jobs:read","jobs:write"]})", true},
      {"{ scope: jobs:write }", R"({"scope":["jobs:read jobs:write"]})", true},
      {"{ scope: jobs:write }", R"({"scope":"jobs:write:own"})", false},
      {"{ scope: jobs:write }", R"({"scope":"jobs:read,jobs:write"})", false},
      {"{ scope: jobs:write }", R"({"scope":"jobs:read\tjobs:write"})", false},
      {"{ scope: jobs:write }", R"({"scp":"jobs:write"})", false},
      {"{ scp: jobs:write }", R"({"scp":"jobs:read jobs:write"})", true},
      {"{ scp: jobs:write }", R"({"scp":["jobs:write"]})", true},
      {"{ scope: { all: [a, b] } }", R"({"scope":"b a"})", true},
      {"{ scope: { all: [a, b] } }", R"({"scope":"b c"})", false},
      {"{ scope: { pattern: \"jobs:.*\" } }", R"({"scope":"x jobs:read"})", true},
      // names
      {"{ realm_access.roles: admin }", R"({"realm_access":{"roles":["user","admin"]}})", true},
      {"{ realm_access.roles: admin }", R"({"realm_access":{"roles":["user"]}})", false},
      {"{ realm_access.roles: admin }", R"({"realm_access":["admin"]})", false},
      {"{ resource_access.my-app.roles: x }", R"({"resource_access":{"my-app":{"roles":["x"]}}})", true},
      {"{ https://example.com/roles: admin }", R"({"https://example.com/roles":["admin"]})", true},
      {"{ https://example.com/roles: admin }", R"({"https://example":{"com/roles":"admin"}})", true},
      {"{ https://example.com/roles: admin }", R"({"https://example.org/roles":["admin"]})", false},
      {"{ https://example.com/app.roles: admin }", R"({"https://example.com/app":{"roles":["admin"]}})",
       true},
      {"{ \"cognito:groups\": staff }", R"({"cognito:groups":["staff"]})", true},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.rule));
    CAPTURE(std::string(row.claims));
    CHECK(refused_by(rules_of(row.rule), row.claims, row.asked).empty() == row.permitted);
  }
}

TEST_CASE("claim rules: any, all and not, and several entries") {
  const Row rows[] = {
      {"{ role: admin, org: 7 }", R"({"role":"admin","org":7})", true},
      {"{ role: admin, org: 7 }", R"({"role":"admin","org":8})", false},
      {"{ any: [{ role: admin }, { scope: write }] }", R"({"role":"admin"})", true},
      {"{ any: [{ role: admin }, { scope: write }] }", R"({"scope":"write"})", true},
      {"{ any: [{ role: admin }, { scope: write }] }", R"({"scope":"read"})", false},
      {"{ any: [{ role: admin, org: 7 }, { scope: write }] }", R"({"role":"admin"})", false},
      {"{ all: [{ role: a }, { role: b }] }", R"({"role":["a","b"]})", true},
      {"{ all: [{ role: a }, { role: b }] }", R"({"role":["a"]})", false},
      {"{ not: { banned: true } }", R"({})", true},
      {"{ not: { banned: true } }", R"({"banned":false})", true},
      {"{ not: { banned: true } }", R"({"banned":true})", false},
      {"{ not: { banned: true, role: guest } }", R"({"role":"guest"})", false},
      {"{ not: { banned: true, role: guest } }", R"({"banned":true,"role":"user"})", false},
      {"{ not: { banned: true, role: guest } }", R"({"role":"user"})", true},
      {"{ not: { not: { role: admin } } }", R"({"role":"admin"})", true},
      {"{ not: { not: { role: admin } } }", R"({"role":"user"})", false},
      {"{ role: user, not: { any: [{ org: 1 }, { org: 2 }] } }", R"({"role":"user","org":3})", true},
      {"{ role: user, not: { any: [{ org: 1 }, { org: 2 }] } }", R"({"role":"user","org":2})", false},
      {"{ any: [{ all: [{ a: 1 }, { not: { b: 1 } }] }, { c: 1 }] }", R"({"a":1})", true},
      {"{ any: [{ all: [{ a: 1 }, { not: { b: 1 } }] }, { c: 1 }] }", R"({"a":1,"b":1})", false},
      {"{ any: [{ all: [{ a: 1 }, { not: { b: 1 } }] }, { c: 1 }] }", R"({"a":1,"b":1,"c":1})", true},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.rule));
    CAPTURE(std::string(row.claims));
    CHECK(refused_by(rules_of(row.rule), row.claims, row.asked).empty() == row.permitted);
  }
}

TEST_CASE("claim rules: comparison with the request") {
  constexpr const char* own = "[{ path: \"/jobs/{job_id}\", claims: { jobs: \"{path.job_id}\" } }]";
  constexpr const char* tenant = "[{ host: \"{tenant}.example.com\", claims: { org: \"{host.tenant}\" } }]";
  constexpr const char* or_admin =
      "[{ path: \"/jobs/{id}\", claims: { any: [{ role: admin }, { jobs: \"{path.id}\" }] } }]";
  constexpr const char* not_other =
      "[{ path: \"/jobs/{id}\", claims: { not: { lost_jobs: \"{path.id}\" } } }]";
  constexpr const char* scoped =
      "[{ path: \"/a/{x}/b/{y}\", claims: { scope: \"{path.x}:{path.y}:write\" } }]";
  const Row rows[] = {
      {own, R"({"jobs":["41","42"]})", true, {"GET", "/jobs/42"}},
      {own, R"({"jobs":"42"})", true, {"GET", "/jobs/42"}},
      {own, R"({"jobs":[42]})", true, {"GET", "/jobs/42"}},
      {own, R"({"jobs":[42]})", false, {"GET", "/jobs/042"}},
      {own, R"({"jobs":["41"]})", false, {"GET", "/jobs/42"}},
      {own, R"({"jobs":["42"]})", true, {"GET", "/jobs/42/"}},
      {own, R"({"jobs":["42"]})", true, {"GET", "/jobs/42/events?x=1"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs/"}},
      {own, R"({"jobs":[""]})", false, {"GET", "/jobs/"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/job/42"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/JOBS/42"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/x/jobs/42"}},
      {own, R"({"jobs":["a b"]})", true, {"GET", "/jobs/a%20b"}},
      {own, R"({"jobs":["a%20b"]})", false, {"GET", "/jobs/a%20b"}},
      {own, "{\"jobs\":[\"\xc3\xa9\"]}", true, {"GET", "/jobs/%c3%a9"}},
      // what servers read in several ways
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs/42/../43"}},
      {own, R"({"jobs":["42","43"]})", true, {"GET", "/jobs/42/../43"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs/42%2f..%2f43"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs/42;a=1"}},
      {own, R"({"jobs":["42;a=1"]})", false, {"GET", "/jobs/42;a=1"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs/42%3fx"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs//42"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs/%2534%2532"}},
      {own, R"({"jobs":["42"]})", false, {"GET", "/jobs\\42"}},
      // without the segment, what needs none decides
      {or_admin, R"({"role":"admin"})", true, {"GET", "/jobs"}},
      {or_admin, R"({"role":"admin"})", true, {"GET", "/jobs/7"}},
      {or_admin, R"({"jobs":["7"]})", true, {"GET", "/jobs/7"}},
      {or_admin, R"({"jobs":["7"]})", false, {"GET", "/jobs"}},
      {or_admin, R"({"role":"admin"})", true, {"GET", "/jobs/7;x"}},
      {not_other, R"({"lost_jobs":["7"]})", false, {"GET", "/jobs/7"}},
      {not_other, R"({"lost_jobs":["7"]})", true, {"GET", "/jobs/8"}},
      {not_other, R"({"lost_jobs":["7"]})", false, {"GET", "/jobs"}},
      {not_other, R"({"lost_jobs":["7"]})", false, {"GET", "/jobs/8/../7"}},
      // texts with values in them
      {scoped, R"({"scope":"1:2:write"})", true, {"GET", "/a/1/b/2"}},
      {scoped, R"({"scope":"1:2:write"})", false, {"GET", "/a/1/b/3"}},
      {scoped, R"({"scope":"1:2:write"})", false, {"GET", "/a/1"}},
      {"{ path: \"{{x}}\" }", R"({"path":"{x}"})", true},
      // hosts
      {tenant, R"({"org":"acme"})", true, {"GET", "/", "acme.example.com"}},
      {tenant, R"({"org":"acme"})", true, {"GET", "/", "ACME.example.com:8443"}},
      {tenant, R"({"org":"acme"})", true, {"GET", "/", "acme.example.com."}},
      {tenant, R"({"org":"acme"})", false, {"GET", "/", "other.example.com"}},
      {tenant, R"({"org":"acme"})", false, {"GET", "/", "acme.example.com.evil.net"}},
      {tenant, R"({"org":"acme"})", false, {"GET", "/", "acme.x.example.com"}},
      {tenant, R"({"org":"acme"})", false, {"GET", "/", "example.com"}},
      {tenant, R"({"org":""})", false, {"GET", "/", ".example.com"}},
      {tenant, R"({"org":"acme"})", false, {"GET", "/", ""}},
      {"{ aud: \"https://{host}\" }", R"({"aud":["https://app.example.com"]})", true},
      {"{ aud: \"https://{host}\" }", R"({"aud":"https://app.example.com"})", false, {"GET", "/", "x.test"}},
      // queries
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", true, {"GET", "/ws?room=lobby&x=1"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lo b"})", true, {"GET", "/ws?room=lo%20b"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lo b"})", true, {"GET", "/ws?room=lo+b"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?room=cellar"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws"}},
      {"{ room: \"{query.room}\" }", R"({"room":""})", false, {"GET", "/ws?room="}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?room=lobby&room=cellar"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?room=lobby&ro%6fm=cellar"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?room=lobby;room=cellar"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?r%6fom=lobby"}},
      // What some backend takes for a second one.
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?room=lobby&room[]=cellar"}},
      {"{ room: \"{query.room}\" }",
       R"({"room":"lobby"})",
       false,
       {"GET", "/ws?room=lobby&room%5B0%5D=cellar"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?%20room=cellar&room=lobby"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?room=lobby&+room=cellar"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", false, {"GET", "/ws?room=lobby&room%00x=cellar"}},
      {"{ room: \"{query.room}\" }", R"({"room":"lobby"})", true, {"GET", "/ws?rooms[]=a&room=lobby&=x"}},
      {"{ room: { all: [a, \"{query.room}\"] } }", R"({"room":["a","b"]})", true, {"GET", "/?room=b"}},
      {"{ room: { all: [a, \"{query.room}\"] } }", R"({"room":["a","b"]})", false, {"GET", "/"}},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.rule));
    CAPTURE(std::string(row.claims));
    CAPTURE(std::string(row.asked.method));
    CAPTURE(std::string(row.asked.target));
    CAPTURE(std::string(row.asked.host));
    CHECK(refused_by(rules_of(row.rule), row.claims, row.asked).empty() == row.permitted);
  }
}

TEST_CASE("claim rules: a rule is for its methods, in any case, and others is for the rest") {
  const auto rules = rules_of(
      "\n      - { name: read, methods: [GET, OPTIONS], claims: { scope: read } }\n"
      "      - { name: write, methods: POST, claims: { scope: write } }\n"
      "      - { name: rest, methods: others, claims: { scope: admin } }\n"
      "      - { name: all, claims: { not: { banned: true } } }\n");
  struct {
    const char* method;
    const char* scope;
    const char* refused;
  } rows[] = {
      {"GET", "read", ""},       {"GET", "write", "read"},  {"HEAD", "read", ""},
      {"HEAD", "admin", "read"}, {"get", "admin", "read"},  {"OPTIONS", "write", "read"},
      {"POST", "write", ""},     {"POST", "read", "write"}, {"post", "admin", "write"},
      {"PUT", "admin", ""},      {"PUT", "write", "rest"},  {"DELETE", "read", "rest"},
      {"BREW", "write", "rest"},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.method));
    CAPTURE(std::string(row.scope));
    const std::string claims = "{\"scope\":\"" + std::string(row.scope) + "\"}";
    CHECK(refused_by(rules, claims, {row.method}) == row.refused);
  }
  CHECK(refused_by(rules, R"({"scope":"read","banned":true})") == "all");
}

TEST_CASE("claim rules: long claims and large rules are judged in their time") {
  std::string claims = "{\"groups\":[";
  for (int i = 0; i < 3000; ++i) claims += (i == 0 ? "\"g" : ",\"g") + std::to_string(i) + '"';
  claims += "]}";
  std::string rule = "{ groups: { all: [g2999";
  for (int i = 0; i < 99; ++i) rule += ", g" + std::to_string(2900 + i);
  const auto rules = rules_of(rule + "] } }");
  CHECK(refused_by(rules, claims).empty());
  CHECK(refused_by(rules_of("{ groups: g3000 }"), claims) == "required_claims");
}

TEST_CASE("claim rules: names are those of the file, or the place in the list") {
  const auto rules = rules_of("[{ claims: { a: 1 } }, { name: second, claims: { b: 1 } }]");
  CHECK(rules[0].name == "required_claims[0]");
  CHECK(rules[1].name == "second");
  CHECK(rules_of("{ a: 1 }")[0].name == "required_claims");
  CHECK(rules_of("[{ report_only: true, claims: { a: 1 } }]")[0].report_only);
}

TEST_CASE("claim rules: mistakes") {
  const auto said = [](const std::string& rules) {
    std::string text = said_of(file_with(rules));
    const std::string key = "routes[0].required_claims";
    const size_t at = text.find(key);
    if (at == text.npos) return text;
    return text.substr(at + key.size(), text.find('\n', at) - at - key.size());
  };
  CHECK(said("{}") == ": is empty; leave it out, or write { sub: present }");
  CHECK(said("[]") == ": is empty; leave it out");
  CHECK(said("admin") == ": must be a map of claims to values; write it like { scope: jobs:write }");
  CHECK(said("{ role: }").starts_with(".role: has no value"));
  CHECK(said("{ role: [] }") == ".role: is empty; write present for any value");
  CHECK(said("{ role: { all: [] } }") == ".role.all: is empty; write present for any value");
  CHECK(said("{ realm_access: { roles: admin } }") ==
        ".realm_access: has none of all, pattern, at_least and at_most; a claim in a claim is written "
        "\"realm_access.roles\"");
  CHECK(said("{ role: { patern: x } }") == ".role.patern: unknown key \"patern\"; did you mean \"pattern\"?");
  CHECK(said("{ role: { pattern: \"(\" } }").starts_with(".role.pattern: \"(\" is not an RE2 expression"));
  CHECK(said("{ role: { all: [a], pattern: b } }") ==
        ".role.pattern: stands beside all; a claim is compared in one way");
  CHECK(said("{ level: { at_least: high } }") ==
        ".level.at_least: \"high\" is not a number such as 3 or 2.5");
  CHECK(said("{ level: { at_least: 1e3 } }") == ".level.at_least: \"1e3\" is not a number such as 3 or 2.5");
  CHECK(said("{ level: { at_least: 3, at_most: 2 } }") == ".level: has an at_least above its at_most");
  CHECK(said("{ scope: \"a b\" }") ==
        ".scope: \"a b\" names several scopes; write a list of them if one is enough, or { all: [...] }");
  CHECK(said("{ any: admin }") ==
        ".any: is for a list of maps of claims: any: [{ role: admin }, { scope: jobs:write }]");
  CHECK(said("{ any: [] }") == ".any: is empty; it is for a list of maps of claims");
  CHECK(said("{ any: [admin] }") == ".any[0]: must be a map of claims to values");
  CHECK(said("{ not: [{ role: guest }] }") ==
        ".not: is for a map of claims of which none may be so: not: { role: guest }");
  CHECK(said("{ jobs: \"{path.job_id}\" }") ==
        ": \"{path.job_id}\" has no meaning here; name it in a rule of a list: path: \"/jobs/{job_id}\"");
  CHECK(said("{ jobs: {path.job_id} }") == ".jobs: is a map for YAML; write it in quotes: \"{path.job_id}\"");
  CHECK(said("{ jobs: [{path.job_id}] }") ==
        ".jobs[0]: is a map for YAML; write it in quotes: \"{path.job_id}\"");
  CHECK(said("{ jobs: \"{job_id}\" }") ==
        ".jobs: \"{job_id}\" has a name in braces that is none of {path.NAME}, {host}, {host.NAME} and "
        "{query.NAME}; write \"{{\" for the character itself");
  CHECK(said("{ jobs: \"{path.x\" }") ==
        ".jobs: \"{path.x\" has \"{\" without \"}\"; write \"{{\" for the character");
  CHECK(said("{ name: x, claims: { role: admin } }") ==
        ": is one rule, and rules stand in a list; begin it with a dash");
  CHECK(said("[{ name: x }]") == "[0].claims: is missing");
  CHECK(said("[{ claims: { a: 1 }, nam: x }]") == "[0].nam: unknown key \"nam\"; did you mean \"name\"?");
  CHECK(said("[{ name: a, claims: { a: 1 } }, { name: a, claims: { b: 1 } }]") ==
        "[1].name: is the name of the rule in line 8 too");
  CHECK(said("[{ methods: others, claims: { a: 1 } }]") ==
        "[0].methods: others has no meaning where no other rule names methods; leave it out");
  CHECK(said("[{ methods: [get], claims: { a: 1 } }]") ==
        "[0].methods[0]: \"get\" is not a method: methods are in upper case; write \"GET\"");
  CHECK(said("[{ path: \"/jobs/{id}\", claims: { a: 1 } }]") ==
        "[0]: names {id} in its path, and compares no claim with {path.id}");
  CHECK(said("[{ path: \"/jobs/{id}\", claims: { a: \"{path.idd}\" } }]") ==
        "[0]: \"{path.idd}\" is none of the names that path of the rule has: {path.id}");
  CHECK(said("{ a: \"{host.x}\" }") ==
        ": \"{host.x}\" has no meaning here; name it in a rule of a list: host: \"{x}.example.com\"");
  CHECK(said("[{ path: \"/jobs\", claims: { a: 1 } }]") ==
        "[0].path: \"/jobs\" names nothing; write it like /jobs/{job_id}");
  CHECK(said("[{ path: \"jobs/{id}\", claims: { a: 1 } }]") ==
        "[0].path: \"jobs/{id}\" does not begin with \"/\"; write it like /jobs/{job_id}");
  CHECK(
      said("[{ path: \"/jobs/{id}/*\", claims: { a: 1 } }]")
          .starts_with("[0].path: \"/jobs/{id}/*\" has a part that is neither a text nor a name in braces"));
  CHECK(said("[{ path: \"/{a}/{a}\", claims: { a: 1 } }]") == "[0].path: \"/{a}/{a}\" has {a} twice");

  std::string deep = "{ role: admin }";
  for (int i = 0; i < 9; ++i) deep = "{ not: " + deep + " }";
  CHECK(said(deep).ends_with("is nested more than 8 deep"));
  std::string wide = "{ any: [";
  for (int i = 0; i < 100; ++i) wide += "{ a: [1, 2, 3] }, ";
  CHECK(said(wide.substr(0, wide.size() - 2) + "] }") == ": has more than 256 comparisons");
  std::string long_list = "{ any: [";
  for (int i = 0; i < 101; ++i) long_list += "{ a: 1 }, ";
  CHECK(said(long_list + "] }") == ".any: has more than 100 entries");
  std::string many = "[";
  for (int i = 0; i < 33; ++i) many += "{ claims: { a: 1 } }, ";
  CHECK(said(many + "]") == ": has more than 32 entries");
}

TEST_CASE("claim rules: rules fit the route that they stand on") {
  const auto said = [](const std::string& match, const std::string& rules) {
    return said_of(
        "listeners: [{ address: \"127.0.0.1:0\" }]\n"
        "jwt: { login: { secret: an-old-song-about-a-very-long-river, algorithms: [HS256] } }\n"
        "routes: [{ upstream: \"http://127.0.0.1:1\", name: r, jwt: login, match: " +
        match + ", required_claims: " + rules + " }]\n");
  };
  const std::string own = "[{ path: \"/jobs/{id}\", claims: { a: \"{path.id}\" } }]";
  for (const char* match : {"{ path: / }", "{ path: /jobs }", "{ path: /jobs/ }", "{ path: /jobs/42 }",
                            "{ path: [/other, /jobs] }", "{ exact: /jobs/42 }", "{ path: /jobs/42/events }"})
    CHECK_MESSAGE(said(match, own) == "", match);
  for (const char* match : {"{ path: /job }", "{ exact: /jobs }", "{ path: [/a, /b] }"})
    CHECK_MESSAGE(said(match, own).find("fits no path that the route takes") != std::string::npos, match);
  CHECK(said("{ path: /, methods: [GET] }", "[{ methods: [POST], claims: { a: 1 } }]")
            .find("methods: has a method that match.methods of the route has not") != std::string::npos);
  CHECK(said_of("listeners: [{ address: \"127.0.0.1:0\" }]\n"
                "routes: [{ upstream: \"http://127.0.0.1:1\", required_claims: { a: 1 } }]\n")
            .find("required_claims: needs jwt: without a verified token there are no claims") !=
        std::string::npos);
}

TEST_CASE("claim rules: a provider's claims are of the same kind, without the request") {
  const auto said = [](const std::string& claims) {
    return said_of_part(
        "jwt: { j: { secret: an-old-song-about-a-very-long-river, algorithms: [HS256], "
        "required_claims: " +
        claims + " } }");
  };
  CHECK(said("{ any: [{ role: admin }, { scope: { all: [a, b] } }], not: { banned: true } }")
            .find("required_claims") == std::string::npos);
  CHECK(said("{ host: \"{host}\" }").find("write it under required_claims of a route") != std::string::npos);
}

TEST_CASE("jwt: report_only of a route cannot let everybody in by access: any") {
  CHECK(said_of("listeners: [{ address: \"127.0.0.1:0\" }]\n"
                "jwt: { login: { secret: an-old-song-about-a-very-long-river, algorithms: [HS256] } }\n"
                "routes: [{ upstream: \"http://127.0.0.1:1\", jwt: { use: login, report_only: true }, "
                "allow: 10.0.0.0/8, access: any }]\n")
            .find("any lets everybody in: jwt with report_only refuses nothing") != std::string::npos);
}

TEST_CASE("log: the parts of a client certificate that it shows are named") {
  const auto loaded = load("log: { client_certificate: [subject, san] }\n" + rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->log.certificate.subject);
  CHECK(loaded->log.certificate.alternative_names);
  CHECK_FALSE(loaded->log.certificate.serial);
  CHECK_FALSE(loaded->log.certificate.fingerprint);
  CHECK(said_of_part("log: { client_certificate: [issuer] }")
            .find("\"issuer\" is not one of subject, san, serial or fingerprint") != std::string::npos);
}

TEST_CASE("log: the parts of a token that it shows are named") {
  const auto loaded = load("log: { token: [provider, sub_hash, rule] }\n" + rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->log.token.provider);
  CHECK(loaded->log.token.subject_hash);
  CHECK(loaded->log.token.rule);
  CHECK_FALSE(loaded->log.token.subject);
  CHECK_FALSE(loaded->log.token.id);
  CHECK(said_of_part("log: { token: [subject] }")
            .find("\"subject\" is not one of provider, sub, sub_hash, jti "
                  "or rule") != std::string::npos);
}
