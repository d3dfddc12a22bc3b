#include "policy/claim_rules.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/path_readings.h"
#include "policy/request_context.h"
#include "policy/verified_token.h"

namespace postern::policy {

bool ClaimRule::applies_to(std::string_view method) const {
  if (methods.empty()) return true;
  const bool is_named = std::any_of(methods.begin(), methods.end(), [&](const std::string& one) {
    return base::equal_ignoring_case(one, method) ||
           (one == "GET" && base::equal_ignoring_case("HEAD", method));
  });
  return is_named != other_methods;
}

bool ClaimRule::permits(const VerifiedToken& token, const RequestContext& context,
                        std::optional<http::PathReadings>& readings) const {
  RequestValues values{&context, path ? &*path : nullptr, host ? &*host : nullptr, context.target.path};
  // An endpoint that gets the normalised path reads it in one way.
  const bool is_plain = !context.target.odd || !context.target.as_it_came;
  if (!path || is_plain) return condition.judge(token, values) == Truth::yes;
  if (!readings) {
    auto found = http::PathReadings::of(context.target.raw_path);
    if (!found) return false;
    readings = std::move(*found);
  }
  return std::all_of(readings->texts().begin(), readings->texts().end(), [&](const std::string& reading) {
    values.reading = reading;
    return condition.judge(token, values) == Truth::yes;
  });
}

}  // namespace postern::policy
