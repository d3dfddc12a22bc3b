#include "policy/header_rules.h"

#include <doctest/doctest.h>

#include "base/ascii.h"
#include "support/judged_request.h"

using namespace postern;
using policy::FieldRule;
using policy::FieldRules;

namespace {

FieldRule rule(FieldRule::Kind kind, std::string name, std::string_view value = {}) {
  return {kind, std::move(name), policy::TextTemplate::read(value).value()};
}
constexpr auto take = FieldRule::Kind::remove;
constexpr auto set = FieldRule::Kind::set;
constexpr auto add = FieldRule::Kind::add;

std::string listed(const http::Headers& headers) {
  std::string text;
  for (const http::HeaderField& field : headers)
    text.append(field.name).append(": ").append(field.value).append("\n");
  return text;
}

std::string after(std::vector<FieldRule> rules, support::JudgedRequest& request, FieldRules::Match match) {
  const FieldRules made(std::move(rules), match);
  made.apply(request.context, request.head.headers, request.head.arena);
  return listed(request.head.headers);
}

}  // namespace

TEST_CASE("header rules: they are carried out in order") {
  support::JudgedRequest request("GET", "/x");
  request.with("X-A", "1").with("X-B", "2").with("x-a", "3");
  CHECK(
      after({rule(take, "X-B"), rule(set, "X-A", "{path}"), rule(add, "X-A", "more"), rule(add, "X-C", "c")},
            request, FieldRules::Match::exact) == "X-A: /x\nX-A: more\nX-C: c\n");
}

TEST_CASE("header rules: an empty value sends no field, and what a client sent is gone all the same") {
  support::JudgedRequest request;
  request.with("X-User", "root");
  CHECK(after({rule(set, "X-User", "{claim.sub}"), rule(add, "X-More", "{query}")}, request,
              FieldRules::Match::as_variable) == "");
}

TEST_CASE("header rules: twins by \"_\" go with their fields on requests alone") {
  support::JudgedRequest request;
  request.with("X_User", "root").with("x-user", "root");
  CHECK(after({rule(set, "X-User", "me")}, request, FieldRules::Match::as_variable) == "X-User: me\n");
  support::JudgedRequest response;
  response.with("X_User", "root");
  CHECK(after({rule(set, "X-User", "me")}, response, FieldRules::Match::exact) ==
        "X_User: root\nX-User: me\n");
}

TEST_CASE("header rules: nothing from a client ends a field or leaves space at its ends") {
  support::JudgedRequest request;
  request.context.request_id = " a\r\nX-Evil: 1 ";
  CHECK(after({rule(set, "X-Id", "{request_id}")}, request, FieldRules::Match::exact) ==
        "X-Id: a??X-Evil: 1\n");
}

TEST_CASE("header rules: the policy hands on its request rules and amends every response") {
  std::vector<FieldRule> rules;
  rules.push_back(rule(set, "X-Route", "{route}"));
  std::vector<FieldRule> response_rules;
  response_rules.push_back(rule(take, "Server"));
  response_rules.push_back(rule(set, "X-For", "{client}"));
  const policy::HeaderRules policy(FieldRules(std::move(rules), FieldRules::Match::as_variable),
                                   FieldRules(std::move(response_rules), FieldRules::Match::exact));
  support::JudgedRequest request;
  request.context.route = "shop";
  CHECK_FALSE(policy.judge(request.context).answers());
  REQUIRE(request.context.request_rules != nullptr);
  request.context.request_rules->apply(request.context, request.head.headers, request.head.arena);
  CHECK(listed(request.head.headers) == "X-Route: shop\n");
  http::ResponseHead head;
  head.headers.add("server", "nginx");
  policy.amend(request.context, head);
  CHECK(listed(head.headers) == "X-For: 0.0.0.0\n");
}

TEST_CASE("header rules: a field is filled in where there is none, and the last such rule counts") {
  constexpr auto fill = FieldRule::Kind::fill;
  support::JudgedRequest request("GET", "/x");
  request.with("x-frame-options", "DENY");
  CHECK(after({rule(fill, "X-Frame-Options", "SAMEORIGIN"), rule(fill, "X-A", "1"), rule(fill, "x-a", "2"),
               rule(fill, "X-B", "1"), rule(fill, "X-B", "")},
              request, FieldRules::Match::exact) == "x-frame-options: DENY\nx-a: 2\n");
}

TEST_CASE("header rules: what is for https alone is sent over https alone") {
  FieldRule hsts = rule(FieldRule::Kind::fill, "Strict-Transport-Security", "max-age=1");
  hsts.over_tls = true;
  support::JudgedRequest plain;
  CHECK(after({hsts}, plain, FieldRules::Match::exact) == "");
  support::JudgedRequest secure;
  secure.context.tls = true;
  CHECK(after({hsts}, secure, FieldRules::Match::exact) == "Strict-Transport-Security: max-age=1\n");
}
