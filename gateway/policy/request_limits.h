// What a request may weigh before anything is done with it.
#pragma once

#include "policy/policy.h"

namespace postern::policy {

// Refuses a request whose Content-Length says that its body is larger than the context's limit (413), before
// a byte of it is read. A body without a length is counted as it streams, by whoever moves it.
class RequestLimits final : public Policy {
 public:
  std::string_view name() const override { return "request_limits"; }
  Verdict judge(RequestContext& context) const override;
};

}  // namespace postern::policy
