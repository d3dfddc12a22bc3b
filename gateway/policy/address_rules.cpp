#include "policy/address_rules.h"
#include "base/error.h"
#include "policy/report_only.h"
#include "policy/request_context.h"

#include <algorithm>

namespace postern::policy {

AddressRulesPolicy::AddressRulesPolicy(AddressRulesOptions options) : options_(std::move(options)) {
  for (const std::string& block : options_.allow) allow_.add(block);
  for (const std::string& block : options_.deny) deny_.emplace_back().add(block);
}

Verdict AddressRulesPolicy::judge(RequestContext& context) const {
  const auto denied = std::find_if(
      deny_.begin(), deny_.end(), [&](const base::CidrSet& block) { return block.contains(context.client); });
  std::string rule;
  if (denied != deny_.end())
    rule = " is in " + options_.deny[static_cast<size_t>(denied - deny_.begin())] + ", which deny has";
  else if (!allow_.empty() && !allow_.contains(context.client))
    rule = " is in none of the blocks that allow has";
  else
    return Verdict::pass();
  return settle(context, telemetry::ReportedRule::address_rules, options_.report_only,
                http::refusal(base::Cause::address_refused, "client " + context.client.text() + rule +
                                                                " (route \"" + options_.route + "\")"));
}

}  // namespace postern::policy
