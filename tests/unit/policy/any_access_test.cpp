#include "policy/any_access.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "policy/address_rules.h"
#include "policy/basic_auth.h"
#include "policy/request_context.h"
#include "support/judged_request.h"
#include "support/password_room.h"

using namespace postern;
using namespace postern::policy;
using namespace postern::support;
using base::Cause;

namespace {

// A token check that a test scripts: the token "good" passes, and with `waits` it has to wait first.
class Tokens final : public Policy {
 public:
  explicit Tokens(bool waits) : waits_(waits) {}
  std::string_view name() const override { return "jwt"; }
  Verdict judge(RequestContext& context) const override {
    const std::string_view value = context.request.headers.get(http::FieldId::authorization);
    if (!value.starts_with("Bearer ")) return refuse(Cause::token_missing, "no token");
    if (waits_ && !context.awaited) return Verdict::wait(std::make_unique<Keys>());
    if (context.awaited) CHECK(context.awaited->what() == "the keys");
    return value == "Bearer good" ? Verdict::pass() : refuse(Cause::token_expired, "old token");
  }

 private:
  struct Keys final : Awaited {
    Keys() : Awaited(std::chrono::seconds(1), Cause::keys_unavailable) { arrive(); }
    std::string_view what() const override { return "the keys"; }
  };
  static Verdict refuse(Cause cause, std::string detail) {
    http::LocalResponse response = http::refusal(cause, std::move(detail));
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return Verdict::answer(std::move(response));
  }
  bool waits_;
};

struct Door {
  explicit Door(bool tokens_wait = false) : pipeline(policies(tokens_wait)) {}
  static std::vector<std::unique_ptr<const Policy>> policies(bool tokens_wait) {
    std::vector<WayIn> ways;
    ways.push_back({std::make_unique<Tokens>(tokens_wait),
                    [](RequestContext& context) { remove_tokens({JwtSource{}}, context); }});
    ways.push_back(
        {std::make_unique<BasicAuthPolicy>(BasicAuthOptions{usual_users(), "Staging", "X-User", false}),
         &remove_basic_credentials});
    ways.push_back(
        {std::make_unique<AddressRulesPolicy>(AddressRulesOptions{{"10.0.0.0/8"}, {}, "r"}), nullptr});
    std::vector<std::unique_ptr<const Policy>> all;
    all.push_back(std::make_unique<AnyAccessPolicy>(std::move(ways), "door"));
    return all;
  }
  Verdict judge(JudgedRequest& request, const char* client) {
    request.context.client = base::IpAddress::parse(client).value();
    request.context.passwords = &room.desk;
    Verdict verdict = pipeline.judge(request.context);
    while (verdict.waits()) {
      auto awaited = verdict.take_awaited();
      room.checks.work_now();
      REQUIRE(awaited->arrival().filled());
      request.context.awaited = std::move(awaited);
      verdict = pipeline.judge(request.context);
    }
    return verdict;
  }

  PasswordRoom room;
  Pipeline pipeline;
};

constexpr const char* office = "10.1.2.3";
constexpr const char* elsewhere = "192.0.2.1";

}  // namespace

TEST_CASE("any access: each way is enough") {
  for (const bool tokens_wait : {false, true}) {
    CAPTURE(tokens_wait);
    Door door(tokens_wait);
    JudgedRequest by_address;
    CHECK(door.judge(by_address, office).passes());
    JudgedRequest by_token;
    by_token.with("Authorization", "Bearer good");
    CHECK(door.judge(by_token, elsewhere).passes());
    CHECK(by_token.head.headers.get(http::FieldId::authorization) == "Bearer good");
    const std::string field = basic_field("alice", "open sesame");
    JudgedRequest by_password;
    by_password.with("Authorization", field);
    CHECK(door.judge(by_password, elsewhere).passes());
    CHECK(by_password.forwards("X-User", "alice"));
    CHECK_FALSE(by_password.head.headers.find("Authorization"));
    JudgedRequest by_both;
    by_both.with("Authorization", field);
    CHECK(door.judge(by_both, office).passes());
    CHECK(by_both.forwards("X-User", "alice"));
  }
}

TEST_CASE("any access: the endpoint gets no credentials that were refused") {
  for (const bool tokens_wait : {false, true}) {
    CAPTURE(tokens_wait);
    Door door(tokens_wait);
    for (const std::string& field :
         {basic_field("alice", "wrong"), std::string("Basic ?"), std::string("Bearer old")}) {
      CAPTURE(field);
      JudgedRequest request;
      request.with("Authorization", field);
      CHECK(door.judge(request, office).passes());
      CHECK_FALSE(request.head.headers.find("Authorization"));
      CHECK(request.context.forwarded_fields.empty());
    }
    JudgedRequest other;
    other.with("Authorization", "Digest x");
    CHECK(door.judge(other, office).passes());
    CHECK(other.head.headers.find("Authorization"));
  }
}

TEST_CASE("any access: who has shown nothing gets the challenges of all ways") {
  Door door;
  JudgedRequest request;
  Verdict verdict = door.judge(request, elsewhere);
  REQUIRE(verdict.answers());
  http::LocalResponse& answer = verdict.response();
  CHECK(answer.cause == Cause::token_missing);
  CHECK(answer.status == 401);
  CHECK(answer.headers == std::vector<std::pair<std::string, std::string>>{
                              {"WWW-Authenticate", "Bearer"},
                              {"WWW-Authenticate", "Basic realm=\"Staging\", charset=\"UTF-8\""}});
  CHECK(answer.detail ==
        "no token; the request has no Basic credentials (users \"staging\"); client 192.0.2.1 is in none of "
        "the blocks that allow has (route \"r\") (one of them is enough on route \"door\")");
}

TEST_CASE("any access: who has shown something hears what was wrong with it") {
  for (const bool tokens_wait : {false, true}) {
    Door door(tokens_wait);
    JudgedRequest token;
    token.with("Authorization", "Bearer old");
    CHECK(door.judge(token, elsewhere).response().cause == Cause::token_expired);
    const std::string field = basic_field("alice", "wrong");
    JudgedRequest password;
    password.with("Authorization", field);
    Verdict verdict = door.judge(password, elsewhere);
    REQUIRE(verdict.answers());
    CHECK(verdict.response().cause == Cause::credentials_refused);
    CHECK(verdict.response().headers.size() == 2);
  }
}

TEST_CASE("any access: a subprotocol with a token is answered and does not reach the endpoint") {
  JudgedRequest request;
  request.websocket().with("Sec-WebSocket-Protocol", "chat, bearer.abc");
  remove_tokens({JwtSource{JwtSource::Kind::subprotocol, ""}}, request.context);
  CHECK(request.head.headers.get(http::FieldId::sec_websocket_protocol) == "chat");
  CHECK(request.context.selected_subprotocol == "bearer.abc");
}

TEST_CASE("any access: what does not come in time ends one way in, and not the others") {
  Door door(true);
  const auto judge_late = [&](JudgedRequest& request, const char* client) {
    request.context.client = base::IpAddress::parse(client).value();
    request.context.passwords = &door.room.desk;
    Verdict verdict = door.pipeline.judge(request.context);
    REQUIRE(verdict.waits());
    request.context.awaited = verdict.take_awaited();
    request.context.awaited->expire();
    return door.pipeline.judge(request.context);
  };
  JudgedRequest inside;
  CHECK(judge_late(inside.with("Authorization", "Bearer good"), office).passes());
  CHECK(inside.head.headers.find("Authorization") == nullptr);  // nobody has judged it
  JudgedRequest outside;
  Verdict verdict = judge_late(outside.with("Authorization", "Bearer good"), elsewhere);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::keys_unavailable);
  CHECK(verdict.response().detail.starts_with("the keys did not come within 1000 ms; "));
}

TEST_CASE("any access: a way in that has another way of its own when its wait is late goes on") {
  // Waits for one thing, and when that is late for another one; "good" passes when both are late.
  class Twice final : public Policy {
   public:
    std::string_view name() const override { return "jwt"; }
    Verdict judge(RequestContext&) const override { return Verdict::wait(std::make_unique<Thing>(1)); }
    Verdict give_up(RequestContext& context) const override {
      if (static_cast<const Thing&>(*context.awaited).number == 1)
        return Verdict::wait(std::make_unique<Thing>(2));
      return Verdict::pass();
    }

   private:
    struct Thing final : Awaited {
      explicit Thing(int the_number)
          : Awaited(std::chrono::seconds(1), Cause::keys_unavailable), number(the_number) {}
      std::string_view what() const override { return "a thing"; }
      int number;
    };
  };
  std::vector<WayIn> ways;
  ways.push_back({std::make_unique<Twice>(), nullptr});
  ways.push_back(
      {std::make_unique<AddressRulesPolicy>(AddressRulesOptions{{"10.0.0.0/8"}, {}, "r"}), nullptr});
  const AnyAccessPolicy any(std::move(ways), "door");
  JudgedRequest request;
  Verdict verdict = any.judge(request.context);
  for (int late = 0; late < 2; ++late) {
    REQUIRE(verdict.waits());
    request.context.awaited = verdict.take_awaited();
    request.context.awaited->expire();
    verdict = any.give_up(request.context);
  }
  CHECK(verdict.passes());
}
