// What a request may weigh before anything is done with it.
#pragma once

#include <cstdint>

#include "policy/policy.h"

namespace postern::policy {

struct RequestLimitsOptions {
  uint64_t body_size = 0;  // bytes; 0: no limit
};

// Refuses a request whose Content-Length says that its body is larger than the limit (413), before a byte of
// it is read. A body without a length is counted as it streams, by whoever moves it.
class RequestLimits final : public Policy {
 public:
  explicit RequestLimits(RequestLimitsOptions options) : options_(options) {}
  std::string_view name() const override { return "request_limits"; }
  Verdict judge(RequestContext& context) const override;

 private:
  RequestLimitsOptions options_;
};

}  // namespace postern::policy
