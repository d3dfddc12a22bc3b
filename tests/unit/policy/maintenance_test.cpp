#include "policy/maintenance.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern;

TEST_CASE("maintenance: everybody but those on the list is answered") {
  policy::MaintenanceOptions options;
  options.message = "Back at noon.";
  options.retry_after = std::chrono::seconds(90);
  REQUIRE(options.allow.add("10.0.0.0/8"));
  const policy::MaintenancePolicy policy(options);
  support::JudgedRequest stranger;
  stranger.context.client = *base::IpAddress::parse("11.0.0.1");
  policy::Verdict verdict = policy.judge(stranger.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 503);
  CHECK(verdict.response().cause == base::Cause::maintenance);
  CHECK(verdict.response().message == "Back at noon.");
  CHECK(support::head_of(verdict.response()).headers.find("Retry-After")->value == "90");
  support::JudgedRequest operator_of_it;
  operator_of_it.context.client = *base::IpAddress::parse("10.255.255.255");
  CHECK_FALSE(policy.judge(operator_of_it.context).answers());
}

TEST_CASE("maintenance: without a list nobody passes") {
  const policy::MaintenancePolicy policy({});
  support::JudgedRequest request;
  request.context.client = *base::IpAddress::parse("127.0.0.1");
  policy::Verdict verdict = policy.judge(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().message.empty());
}
