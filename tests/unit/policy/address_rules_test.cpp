#include "policy/address_rules.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::base::Cause;
using postern::base::IpAddress;
using postern::support::JudgedRequest;

namespace {

// Returns the refusal of a client by the rules; empty when it passes.
std::string said(std::vector<std::string> allow, std::vector<std::string> deny, const char* client) {
  AddressRulesOptions options{std::move(allow), std::move(deny), "staff"};
  JudgedRequest request;
  request.context.client = IpAddress::parse(client).value();
  Verdict verdict = AddressRulesPolicy(std::move(options)).judge(request.context);
  if (!verdict.answers()) return {};
  CHECK(verdict.response().cause == Cause::address_refused);
  CHECK(verdict.response().status == 403);
  return verdict.response().detail;
}

}  // namespace

TEST_CASE("address rules: deny comes first, then allow, if there is one") {
  CHECK(said({"10.0.0.0/8"}, {}, "10.1.2.3") == "");
  CHECK(said({"10.0.0.0/8"}, {}, "192.0.2.1") ==
        "client 192.0.2.1 is in none of the blocks that allow has (route \"staff\")");
  CHECK(said({"10.0.0.0/8"}, {"10.9.0.0/16"}, "10.9.0.1") ==
        "client 10.9.0.1 is in 10.9.0.0/16, which deny has (route \"staff\")");
  CHECK(said({}, {"10.9.0.0/16"}, "10.8.0.1") == "");
  CHECK(said({}, {"10.9.0.0/16"}, "10.9.0.1") != "");
}

TEST_CASE("address rules: blocks are of one family, and a mapped address is of IPv4") {
  CHECK(said({"2001:db8::/32"}, {}, "2001:db8::1") == "");
  CHECK(said({"2001:db8::/32"}, {}, "192.0.2.1") != "");
  CHECK(said({"::/0"}, {}, "192.0.2.1") != "");
  CHECK(said({}, {"10.0.0.0/8"}, "::ffff:10.0.0.1") ==
        "client 10.0.0.1 is in 10.0.0.0/8, which deny has (route \"staff\")");
  CHECK(said({"0.0.0.0/0", "::/0"}, {}, "2001:db8::1") == "");
}

TEST_CASE("address rules: rules that report only let pass, and note what they would have said") {
  JudgedRequest request;
  request.context.client = IpAddress::parse("192.0.2.1").value();
  CHECK(AddressRulesPolicy({{"10.0.0.0/8"}, {}, "staff", true}).judge(request.context).passes());
  REQUIRE(request.context.reported.size() == 1);
  CHECK(request.context.reported[0].cause == Cause::address_refused);
  CHECK(request.context.reported[0].detail ==
        "client 192.0.2.1 is in none of the blocks that allow has (route \"staff\")");
}
