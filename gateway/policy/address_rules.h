// The allowlist and denylist of client addresses of a route.
#pragma once

#include <string>
#include <vector>

#include "base/ip_address.h"
#include "policy/policy.h"

namespace postern::policy {

struct AddressRulesOptions {
  std::vector<std::string> allow;  // CIDR blocks; empty: all
  std::vector<std::string> deny;   // CIDR blocks; deny takes precedence over allow
  std::string route;               // its name, for the log
  bool report_only = false;
};

// Judges the client's address as it is after the trust list was applied.
class AddressRulesPolicy final : public Policy {
 public:
  explicit AddressRulesPolicy(AddressRulesOptions options);
  std::string_view name() const override { return "address_rules"; }
  Verdict judge(RequestContext& context) const override;

 private:
  AddressRulesOptions options_;
  base::CidrSet allow_;
  std::vector<base::CidrSet> deny_;  // one block each, in the order of the options
};

}  // namespace postern::policy
