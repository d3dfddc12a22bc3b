#include "policy/forward_auth.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "policy/any_access.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern;
using namespace postern::policy;
using namespace postern::support;
using base::Cause;

namespace {

// Gives the answers that a test puts in, at once or after a wait.
struct Desk final : AuthDesk {
  struct Asked final : AskedAuth {
    explicit Asked(AuthResult result) : AskedAuth(std::chrono::seconds(1)) {
      result_ = std::move(result);
      arrive();
    }
  };
  Reply ask(const AuthServer&, bool alone) override {
    asked_alone.push_back(alone);
    AuthResult next = std::move(answers.front());
    answers.erase(answers.begin());
    if (!waits) return {std::move(next), {}};
    return {AuthResult(), std::make_unique<Asked>(std::move(next))};
  }
  void count(const AuthServer&, AuthOutcome outcome) override { outcomes.push_back(outcome); }

  std::vector<AuthResult> answers;
  bool waits = false;
  std::vector<bool> asked_alone;
  std::vector<AuthOutcome> outcomes;
};

AuthResult answer(uint16_t status, std::vector<std::pair<std::string, std::string>> fields = {},
                  std::string body = "") {
  return AuthResult::make(AuthAnswer{status, std::move(fields), std::move(body)});
}

ForwardAuthOptions options() {
  ForwardAuthOptions made;
  made.server.name = "auth";
  made.server.answer_fields = {{"Remote-User", "X-User"}, {"Remote-Groups", "X-Groups"}};
  return made;
}

Verdict judge(const Policy& policy, JudgedRequest& request, Desk& desk) {
  request.context.auth = &desk;
  Verdict verdict = policy.judge(request.context);
  for (int i = 0; verdict.waits() && i < 8; ++i) {
    request.context.awaited = verdict.take_awaited();
    verdict = policy.judge(request.context);
    request.context.awaited.reset();
  }
  return verdict;
}

}  // namespace

TEST_CASE("forward auth policy: fields of the answer replace those of the client, whatever their spelling") {
  Desk desk;
  desk.answers.push_back(answer(200, {{"remote-groups", "a"}, {"REMOTE-GROUPS", "b"}, {"Remote-User", ""}}));
  JudgedRequest request;
  request.with("X-User", "root").with("X_Groups", "root").with("X.Groups", "root").with("X-Other", "1");
  CHECK(judge(ForwardAuthPolicy(options()), request, desk).passes());
  CHECK(request.head.headers.size() == 1);
  CHECK(request.forwards("X-Groups", "a, b"));
  CHECK(request.context.forwarded_fields.size() == 1);
  CHECK(desk.outcomes == std::vector{AuthOutcome::passed});
}

TEST_CASE("forward auth policy: an answer that may not serve the request is asked for again, alone") {
  Desk desk;
  desk.waits = true;
  desk.answers.push_back({});
  desk.answers.push_back(answer(204));
  JudgedRequest request;
  CHECK(judge(ForwardAuthPolicy(options()), request, desk).passes());
  CHECK(desk.asked_alone == std::vector{false, true});
  CHECK(desk.outcomes == std::vector{AuthOutcome::passed});
}

TEST_CASE(
    "forward auth policy: the page of the gateway stands in for an empty body, without fields about it") {
  Desk desk;
  desk.answers.push_back(answer(403, {{"Content-Encoding", "gzip"}, {"ETag", "x"}, {"X-Why", "no"}}));
  JudgedRequest request;
  Verdict verdict = judge(ForwardAuthPolicy(options()), request, desk);
  REQUIRE(verdict.answers());
  const http::LocalResponse& response = verdict.response();
  CHECK(response.status == 403);
  CHECK(response.cause == Cause::auth_refused);
  CHECK_FALSE(response.has_own_body);
  CHECK(response.headers == std::vector<std::pair<std::string, std::string>>{{"X-Why", "no"}});
}

TEST_CASE("forward auth policy: failures tell a client when to come back, and nothing else") {
  for (const auto& [cause, status] : {std::pair(Cause::auth_unavailable, 503),
                                      {Cause::auth_timed_out, 504},
                                      {Cause::auth_bad_answer, 502},
                                      {Cause::auth_waits_full, 503}}) {
    Desk desk;
    desk.answers.push_back(AuthResult::make(tl::unexpected(AuthFailure{cause, "auth: why"})));
    JudgedRequest request;
    Verdict verdict = judge(ForwardAuthPolicy(options()), request, desk);
    REQUIRE(verdict.answers());
    CHECK(verdict.response().status == status);
    CHECK(verdict.response().detail == "auth: why");
    CHECK(verdict.response().headers.size() == (status == 503 ? 1 : 0));
    CHECK(base::traits(cause).fault == base::Side::gateway);
    CHECK(desk.outcomes == std::vector{AuthOutcome::failed});
  }
}

TEST_CASE("forward auth policy: what a client can put into the address to come back to stays a value") {
  ForwardAuthOptions made = options();
  made.sign_in = "/start?rd={uri}&x=1";
  Desk desk;
  desk.answers.push_back(answer(401));
  JudgedRequest request("GET", "//evil.example/?a=b&c=%0d%0aX:&\"<");
  request.with("Sec-Fetch-Mode", "navigate");
  Verdict verdict = judge(ForwardAuthPolicy(made), request, desk);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 302);
  CHECK(verdict.response().headers.front() ==
        std::pair<std::string, std::string>(
            "Location", "/start?rd=%2F%2Fevil.example%2F%3Fa%3Db%26c%3D%250d%250aX%3A%26%22%3C&x=1"));
}

TEST_CASE("forward auth policy: of several ways in, its refusal tells more than that nothing was shown") {
  class NoToken final : public Policy {
   public:
    std::string_view name() const override { return "jwt"; }
    Verdict judge(RequestContext&) const override {
      http::LocalResponse response = http::refusal(Cause::token_missing, "no token");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      return Verdict::answer(std::move(response));
    }
  };
  std::vector<WayIn> ways;
  ways.push_back({std::make_unique<NoToken>(), nullptr});
  ways.push_back({std::make_unique<ForwardAuthPolicy>(options()), nullptr});
  const AnyAccessPolicy policy(std::move(ways), "door");
  Desk desk;
  desk.waits = true;
  desk.answers.push_back(answer(302, {{"Location", "/login"}, {"Www-Authenticate", "Cookie"}}));
  JudgedRequest request;
  Verdict verdict = judge(policy, request, desk);
  REQUIRE(verdict.answers());
  const http::LocalResponse& response = verdict.response();
  CHECK(response.status == 302);
  CHECK(response.headers == std::vector<std::pair<std::string, std::string>>{{"Location", "/login"},
                                                                             {"Www-Authenticate", "Cookie"},
                                                                             {"WWW-Authenticate", "Bearer"}});
}
