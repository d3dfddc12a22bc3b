#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "policy/policy.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::http::ResponseHead;
using postern::support::JudgedRequest;

namespace {

// Records when it is called.
class Scribe final : public Policy {
 public:
  Scribe(std::string_view name, std::string& judged, std::string& amended, bool answers = false)
      : name_(name), judged_(judged), amended_(amended), answers_(answers) {}
  std::string_view name() const override { return name_; }
  Verdict judge(RequestContext&) const override {
    judged_.append(name_).append(" ");
    return answers_ ? Verdict::answer({.status = 418, .headers = {}, .body = {}, .cause = {}, .detail = {}})
                    : Verdict::pass();
  }
  void amend(const RequestContext&, ResponseHead&) const override { amended_.append(name_).append(" "); }

 private:
  std::string_view name_;
  std::string& judged_;
  std::string& amended_;
  bool answers_;
};

// Waits for a word, and refuses the request if it is a bad one.
class Asker final : public Policy {
 public:
  struct Word final : Awaited {
    Word() : Awaited(std::chrono::seconds(1), postern::base::Cause::timed_out) {}
    std::string_view what() const override { return "a word"; }
    std::string text;
  };
  Asker(std::string_view name, std::string& judged) : name_(name), judged_(judged) {}
  std::string_view name() const override { return name_; }
  Verdict judge(RequestContext& context) const override {
    judged_.append(name_).append(context.awaited ? "! " : "? ");
    if (!context.awaited) return Verdict::wait(std::make_unique<Word>());
    if (static_cast<const Word&>(*context.awaited).text == "good") return Verdict::pass();
    return Verdict::answer({.status = 403, .headers = {}, .body = {}, .cause = {}, .detail = {}});
  }

 private:
  std::string_view name_;
  std::string& judged_;
};

class Silent final : public Policy {
 public:
  std::string_view name() const override { return "address_rules"; }
  Verdict judge(RequestContext&) const override { return Verdict::pass(); }
};

}  // namespace

TEST_CASE("pipeline: policies are asked in the one order, whatever order they are given in") {
  std::string judged, amended;
  std::vector<std::unique_ptr<const Policy>> policies;
  for (std::string_view name :
       {"header_rules", "jwt", "cors", "rate_limit", "origin", "request_limits", "address_rules"})
    policies.push_back(std::make_unique<Scribe>(name, judged, amended));
  const Pipeline pipeline(std::move(policies));
  JudgedRequest request;
  CHECK_FALSE(pipeline.judge(request.context).answers());
  CHECK(judged == "request_limits origin cors address_rules rate_limit jwt header_rules ");
  ResponseHead head;
  pipeline.amend(request.context, head);
  CHECK(amended == judged);
}

TEST_CASE("pipeline: the first answer ends the judging, and every policy amends it") {
  std::string judged, amended;
  std::vector<std::unique_ptr<const Policy>> policies;
  policies.push_back(std::make_unique<Scribe>("jwt", judged, amended));
  policies.push_back(std::make_unique<Scribe>("cors", judged, amended, true));
  policies.push_back(std::make_unique<Scribe>("origin", judged, amended));
  const Pipeline pipeline(std::move(policies));
  JudgedRequest request;
  Verdict verdict = pipeline.judge(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 418);
  CHECK(judged == "origin cors ");
  ResponseHead head;
  pipeline.amend(request.context, head);
  CHECK(amended == "origin cors jwt ");
}

TEST_CASE("pipeline: an empty one passes everything and changes nothing") {
  JudgedRequest request;
  ResponseHead head;
  head.headers.add("Access-Control-Allow-Origin", "*");
  const Pipeline pipeline;
  CHECK_FALSE(pipeline.judge(request.context).answers());
  pipeline.amend(request.context, head);
  CHECK(head.headers.get(postern::http::FieldId::access_control_allow_origin) == "*");
}

TEST_CASE("pipeline: a policy that amends nothing leaves the head alone") {
  JudgedRequest request;
  ResponseHead head;
  head.headers.add("A", "b");
  Silent().amend(request.context, head);
  CHECK(head.headers.size() == 1);
}

TEST_CASE("pipeline: judging goes on at the policy that waited, and each gets what it has waited for") {
  for (const std::string word : {"good", "bad"}) {
    std::string judged, amended;
    std::vector<std::unique_ptr<const Policy>> policies;
    policies.push_back(std::make_unique<Scribe>("origin", judged, amended));
    policies.push_back(std::make_unique<Asker>("cors", judged));
    policies.push_back(std::make_unique<Asker>("jwt", judged));
    policies.push_back(std::make_unique<Scribe>("header_rules", judged, amended));
    const Pipeline pipeline(std::move(policies));
    JudgedRequest request;
    const auto go_on = [&](Verdict& waiting, std::string_view text) {
      REQUIRE(waiting.waits());
      CHECK_FALSE(waiting.passes());
      CHECK_FALSE(waiting.answers());
      std::unique_ptr<Awaited> awaited = waiting.take_awaited();
      CHECK(awaited->what() == "a word");
      static_cast<Asker::Word&>(*awaited).text = text;
      request.context.awaited = std::move(awaited);
      return pipeline.judge(request.context);
    };
    Verdict first = pipeline.judge(request.context);
    CHECK(judged == "origin cors? ");
    Verdict second = go_on(first, "good");
    CHECK(judged == "origin cors? cors! jwt? ");
    CHECK(request.context.awaited == nullptr);
    const Verdict last = go_on(second, word);
    CHECK(last.passes() == (word == "good"));
    CHECK(last.answers() == (word == "bad"));
    CHECK(request.context.awaited == nullptr);
    CHECK(judged == std::string("origin cors? cors! jwt? jwt! ") + (word == "good" ? "header_rules " : ""));
  }
}
