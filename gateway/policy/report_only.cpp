#include "policy/report_only.h"

#include <utility>

#include "policy/request_context.h"

namespace postern::policy {

Verdict settle(RequestContext& context, telemetry::ReportedRule rule, bool report_only,
               http::LocalResponse refusal) {
  if (!report_only) return Verdict::answer(std::move(refusal));
  context.reported.push_back({rule, *refusal.cause, std::move(refusal.detail)});
  return Verdict::pass();
}

}  // namespace postern::policy
