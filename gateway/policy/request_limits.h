// Size limits that are checked before anything else is done with a request.
#pragma once

#include "policy/policy.h"

namespace postern::policy {

// Refuses a request whose Content-Length exceeds the context's limit (413), before any of its body is read. A
// body without a length is counted by the code that moves it.
class RequestLimits final : public Policy {
 public:
  std::string_view name() const override { return "request_limits"; }
  Verdict judge(RequestContext& context) const override;
};

}  // namespace postern::policy
