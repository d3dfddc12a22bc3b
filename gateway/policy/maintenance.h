// A route that is closed for a while.
#pragma once

#include <chrono>
#include <string>

#include "policy/policy.h"

namespace postern::policy {

struct MaintenanceOptions {
  std::string message;  // for clients; empty: the cause's own sentence
  std::chrono::seconds retry_after{60};
  base::CidrSet allow;  // whose requests pass all the same
};

// The answer to everybody who is not on the allow list. 503 with Retry-After.
http::LocalResponse maintenance_response(const MaintenanceOptions& options);

// Stands behind CORS in a pipeline, so that a page can read why it gets no answer, and before tokens: nobody
// has to log in to hear it.
class MaintenancePolicy final : public Policy {
 public:
  explicit MaintenancePolicy(MaintenanceOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "maintenance"; }
  Verdict judge(RequestContext& context) const override;

 private:
  MaintenanceOptions options_;
};

}  // namespace postern::policy
