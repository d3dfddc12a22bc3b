// Rules that report only, for an operator who wants to see what a new rule would refuse before it does.
//
// A policy with such a rule gives its refusal to settle(). Where the rule reports only, the request passes
// and the refusal is noted in the context; the exchange logs it, at a limited rate, and counts it by route
// and rule. A policy that lets a request pass in this way must leave it as if the route had no such rule.
#pragma once

#include <string>

#include "base/error_fwd.h"
#include "http/local_response.h"
#include "policy/policy.h"
#include "telemetry/reported_rule.h"

namespace postern::policy {

// What would have been the answer to a request.
struct ReportedRefusal {
  telemetry::ReportedRule rule{};
  base::Cause cause{};
  std::string detail;  // as in http::LocalResponse
};

// Returns the refusal, or lets the request pass and notes it in context.reported. `refusal` has a cause.
Verdict settle(RequestContext& context, telemetry::ReportedRule rule, bool report_only,
               http::LocalResponse refusal);

}  // namespace postern::policy
