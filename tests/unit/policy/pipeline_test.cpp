#include <doctest/doctest.h>

#include <string>

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
