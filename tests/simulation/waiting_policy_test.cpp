// A policy that cannot say at once: the request waits for what the policy needs, and is judged on from there.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "policy/policy.h"
#include "policy/request_context.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;

namespace {

// Somebody who decides about requests, and is asked by a policy.
struct Porter {
  struct Question;
  std::vector<Question*> questions;  // that wait for an answer
  int judged = 0;                    // how often the policy before the asking one was asked
  bool knows = false;                // answers are there before they are waited for
  base::Duration waited{};           // between the two times that the policy was asked
};

struct Porter::Question final : policy::Awaited {
  Question(Porter& the_porter, base::Instant now)
      : Awaited(500ms, base::Cause::timed_out), porter(the_porter), asked(now) {
    porter.questions.push_back(this);
    if (porter.knows) answer(true);
  }
  ~Question() override { std::erase(porter.questions, this); }
  std::string_view what() const override { return "the porter's answer"; }
  void answer(bool the_may_enter) {
    may_enter = the_may_enter;
    arrive();
  }
  Porter& porter;
  base::Instant asked;
  bool may_enter = false;
};

class Before final : public policy::Policy {
 public:
  explicit Before(Porter& porter) : porter_(porter) {}
  std::string_view name() const override { return "address_rules"; }
  policy::Verdict judge(policy::RequestContext&) const override {
    ++porter_.judged;
    return policy::Verdict::pass();
  }
  void amend(const policy::RequestContext&, http::ResponseHead& head) const override {
    head.headers.add("X-Before", "amended");
  }

 private:
  Porter& porter_;
};

class AskPorter final : public policy::Policy {
 public:
  explicit AskPorter(Porter& porter) : porter_(porter) {}
  std::string_view name() const override { return "maintenance"; }
  policy::Verdict judge(policy::RequestContext& context) const override {
    if (!context.awaited)
      return policy::Verdict::wait(std::make_unique<Porter::Question>(porter_, context.now));
    const auto& question = static_cast<const Porter::Question&>(*context.awaited);
    porter_.waited = context.now - question.asked;
    if (question.may_enter) return policy::Verdict::pass();
    return policy::Verdict::answer(http::refusal(base::Cause::address_refused, "the porter says no"));
  }

 private:
  Porter& porter_;
};

struct Waiting {
  Waiting() {
    proxy.upstream.at(3001).behaviour = answers(response_text("hello"));
    std::vector<std::unique_ptr<const policy::Policy>> policies;
    policies.push_back(std::make_unique<Before>(porter));
    policies.push_back(std::make_unique<AskPorter>(porter));
    proxy.set_pipeline(0, policy::Pipeline(std::move(policies)));
  }
  TestClient& ask() {
    TestClient& client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    return client;
  }
  void answer(bool may_enter) {
    porter.questions.at(0)->answer(may_enter);
    proxy.settle();
  }

  Porter porter;
  ProxyFixture proxy;
};

}  // namespace

TEST_CASE("waiting policy: the request waits, passes, and no policy before it is asked twice") {
  Waiting waiting;
  TestClient& client = waiting.ask();
  CHECK_FALSE(client.try_response());
  CHECK(waiting.porter.questions.size() == 1);
  CHECK(waiting.proxy.upstream.at(3001).dials == 0);
  waiting.proxy.advance(300ms);
  waiting.proxy.settle();
  CHECK_FALSE(client.try_response());
  waiting.answer(true);
  const HttpMessage response = client.response();
  CHECK(response.body == "hello");
  CHECK(response.field("X-Before") == "amended");
  CHECK(waiting.porter.judged == 1);
  CHECK(waiting.porter.waited == 300ms);  // it is judged by the time at which it goes on
  CHECK(waiting.porter.questions.empty());
  waiting.proxy.advance(500ms);  // the limit of the wait is over with it
  waiting.proxy.settle();
  CHECK(waiting.proxy.log.line("exchange")["cause"].is_null());
}

TEST_CASE("waiting policy: it may answer the request after it has waited") {
  Waiting waiting;
  TestClient& client = waiting.ask();
  waiting.answer(false);
  const HttpMessage response = client.response();
  CHECK(response.status() == 403);
  CHECK(response.field("X-Before") == "amended");
  CHECK(waiting.proxy.upstream.at(3001).dials == 0);
  CHECK(waiting.proxy.log.line("exchange")["detail"] == "the porter says no");
  CHECK(waiting.porter.questions.empty());
}

TEST_CASE("waiting policy: what is there before it is waited for costs no time") {
  Waiting waiting;
  waiting.porter.knows = true;
  CHECK(waiting.ask().response().body == "hello");
  CHECK(waiting.porter.waited == 0ms);
}

TEST_CASE("waiting policy: what does not come in time fails the request, and the log says what it was") {
  Waiting waiting;
  TestClient& client = waiting.ask();
  waiting.proxy.advance(499ms);
  waiting.proxy.settle();
  CHECK_FALSE(client.try_response());
  waiting.proxy.advance(20ms);  // a timer fires within one tick after its time
  waiting.proxy.settle();
  const HttpMessage response = client.response();
  CHECK(response.status() == 504);
  CHECK(response.field("X-Before") == "amended");
  const base::Json line = waiting.proxy.log.line("exchange");
  CHECK(line["cause"] == "timed_out");
  CHECK(line["stage"] == "policy");
  CHECK(line["detail"] == "the porter's answer did not come within 500 ms");
  CHECK(waiting.porter.questions.empty());
  CHECK(waiting.proxy.upstream.at(3001).dials == 0);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // the connection serves the next request
  waiting.answer(true);
  CHECK(client.response().body == "hello");
}

TEST_CASE("waiting policy: a client that ends its direction may have left, and keeps nobody waiting") {
  Waiting waiting;
  waiting.ask().peer().finish();
  waiting.proxy.settle();
  CHECK(waiting.porter.questions.empty());
  CHECK(waiting.proxy.log.line("exchange")["cause"] == "client_closed");
}

TEST_CASE("waiting policy: a client that leaves ends the wait, and nothing is asked for any more") {
  Waiting waiting;
  TestClient& client = waiting.ask();
  REQUIRE(waiting.porter.questions.size() == 1);
  client.peer().reset();
  waiting.proxy.settle();
  CHECK(client.gone());
  CHECK(waiting.porter.questions.empty());
  CHECK(waiting.porter.judged == 1);
  CHECK(waiting.proxy.log.line("exchange")["cause"] == "client_closed");
}
