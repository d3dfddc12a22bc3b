// Maintenance mode: closes a route temporarily.
#pragma once

#include <chrono>
#include <string>

#include "base/ip_address.h"
#include "policy/policy.h"

namespace postern::policy {

struct MaintenanceOptions {
  std::string message;  // for clients; empty: the sentence of the cause
  std::chrono::seconds retry_after{60};
  base::CidrSet allow;  // the clients whose requests pass nevertheless
};

// Makes the response to every client that is not on the allowlist: 503 with Retry-After.
http::LocalResponse maintenance_response(const MaintenanceOptions& options);

// Runs after CORS in a pipeline, so that a page can read why its request is refused, and before the token
// check, so that no login is needed to get this response.
class MaintenancePolicy final : public Policy {
 public:
  explicit MaintenancePolicy(MaintenanceOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "maintenance"; }
  Verdict judge(RequestContext& context) const override;

 private:
  MaintenanceOptions options_;
};

}  // namespace postern::policy
