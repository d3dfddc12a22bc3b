// The rules of a route that can be switched to report only: what they would refuse passes, and is logged and
// counted (policy/report_only.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::telemetry {

enum class ReportedRule : uint8_t {
  origins,        // the origin is not on the list
  csrf,           // of an origin list
  address_rules,  // allow and deny
  rate_limit,
  jwt,              // the token of a request, or that it has none
  required_claims,  // of a route
  end,
};

// The label of metrics and log lines.
constexpr std::string_view label(ReportedRule rule) {
  switch (rule) {
    case ReportedRule::origins: return "origins";
    case ReportedRule::csrf: return "csrf";
    case ReportedRule::address_rules: return "address_rules";
    case ReportedRule::rate_limit: return "rate_limit";
    case ReportedRule::jwt: return "jwt";
    case ReportedRule::required_claims: return "required_claims";
    case ReportedRule::end: break;
  }
  return {};
}

}  // namespace postern::telemetry
