#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "base/check.h"
#include "policy/policy.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

// The only order. Cheap, structural checks come first; the origin is checked before anything is required of
// it. CSRF comes next, as it asks what the origin check has found. CORS comes before addresses, so that a
// page can read why it is refused, and before tokens, because a preflight carries none. A client certificate,
// which costs nothing any more, is judged before a password, and a password before a token, where a route
// asks for several; another server is asked only about what passes those. Limits by claim come after the
// token check.
constexpr auto order = std::to_array<std::string_view>(
    {"request_limits", "origin", "csrf", "cors", "address_rules", "maintenance", "rate_limit",
     "client_certificate", "basic_auth", "jwt", "forward_auth", "any_access", "claim_rate_limit",
     "socket_limit", "header_rules"});

size_t place_of(const Policy& policy) {
  const auto* found = std::find(order.begin(), order.end(), policy.name());
  base::check(found != order.end(), "every policy has its place in the order of pipeline.cpp");
  return static_cast<size_t>(found - order.begin());
}

}  // namespace

Verdict Policy::give_up(RequestContext& context) const {
  const Awaited& awaited = *context.awaited;
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(awaited.limit());
  std::string detail(awaited.what());
  detail.append(" did not come within ").append(std::to_string(limit.count())).append(" ms");
  http::LocalResponse response = http::refusal(awaited.late(), std::move(detail));
  response.headers.emplace_back("Retry-After", "5");
  return Verdict::answer(std::move(response));
}

void Policy::amend(const RequestContext&, http::ResponseHead&) const {}

Pipeline::Pipeline(std::vector<std::unique_ptr<const Policy>> policies) : policies_(std::move(policies)) {
  std::stable_sort(policies_.begin(), policies_.end(),
                   [](const auto& a, const auto& b) { return place_of(*a) < place_of(*b); });
}

Verdict Pipeline::judge(RequestContext& context) const {
  for (size_t i = context.resume_at; i < policies_.size(); ++i) {
    const bool is_late = context.awaited && context.awaited->is_late();
    Verdict verdict = is_late ? policies_[i]->give_up(context) : policies_[i]->judge(context);
    context.awaited.reset();
    context.resume_at = i;
    if (!verdict.passes()) return verdict;
  }
  return Verdict::pass();
}

void Pipeline::amend(const RequestContext& context, http::ResponseHead& head) const {
  if (!head.interim())
    for (const std::string& cookie : context.set_cookies) head.headers.add("Set-Cookie", cookie);
  for (const auto& policy : policies_) policy->amend(context, head);
}

}  // namespace postern::policy
