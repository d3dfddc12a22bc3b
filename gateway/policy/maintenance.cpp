#include "policy/maintenance.h"
#include "base/error.h"
#include "policy/request_context.h"

namespace postern::policy {

http::LocalResponse maintenance_response(const MaintenanceOptions& options) {
  http::LocalResponse response = http::refusal(base::Cause::maintenance, {});
  response.message = options.message;
  response.headers.emplace_back("Retry-After", std::to_string(options.retry_after.count()));
  return response;
}

Verdict MaintenancePolicy::judge(RequestContext& context) const {
  if (options_.allow.contains(context.client)) return Verdict::pass();
  return Verdict::answer(maintenance_response(options_));
}

}  // namespace postern::policy
