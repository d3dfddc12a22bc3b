#include "policy/any_access.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

// Whether the client has shown nothing that this way could judge.
bool has_shown_nothing(const http::LocalResponse& refusal) {
  using base::Cause;
  // The server has not said whether the client has shown it anything.
  if (refusal.cause == Cause::auth_unavailable || refusal.cause == Cause::auth_timed_out ||
      refusal.cause == Cause::auth_bad_answer || refusal.cause == Cause::auth_waits_full)
    return true;
  return refusal.cause == base::Cause::credentials_missing || refusal.cause == base::Cause::token_missing ||
         refusal.cause == base::Cause::client_certificate_missing ||
         refusal.cause == base::Cause::address_refused;
}

}  // namespace

Verdict AnyAccessPolicy::judge(RequestContext& context) const {
  if (!context.ways) context.ways = std::make_unique<WaysTried>();
  return go_on(context, ways_[context.ways->refusals.size()].policy->judge(context));
}

Verdict AnyAccessPolicy::give_up(RequestContext& context) const {
  return go_on(context, ways_[context.ways->refusals.size()].policy->give_up(context));
}

Verdict AnyAccessPolicy::go_on(RequestContext& context, Verdict verdict) const {
  std::vector<http::LocalResponse>& refusals = context.ways->refusals;
  for (;;) {
    context.awaited.reset();  // it was for this way, and not for the next one
    if (verdict.waits()) return verdict;
    const WayIn& way = ways_[refusals.size()];
    if (verdict.passes()) {
      for (const WayIn& other : ways_)
        if (&other != &way && other.withdraw) other.withdraw(context);
      return verdict;
    }
    refusals.push_back(std::move(verdict.response()));
    if (refusals.size() == ways_.size()) return refuse(std::move(refusals));
    verdict = ways_[refusals.size()].policy->judge(context);
  }
}

Verdict AnyAccessPolicy::refuse(std::vector<http::LocalResponse> refusals) const {
  auto chosen = std::find_if_not(refusals.begin(), refusals.end(), has_shown_nothing);
  if (chosen == refusals.end()) chosen = refusals.begin();
  http::LocalResponse answer = std::move(*chosen);
  std::string others;
  for (auto one = refusals.begin(); one != refusals.end(); ++one) {
    if (one == chosen) continue;
    others += "; " + one->detail;
    for (auto& [name, value] : one->headers)
      if (base::equal_ignoring_case(name, "WWW-Authenticate"))
        answer.headers.emplace_back(name, std::move(value));
  }
  answer.detail += others + " (one of them is enough on route \"" + route_ + "\")";
  return Verdict::answer(std::move(answer));
}

void AnyAccessPolicy::amend(const RequestContext& context, http::ResponseHead& head) const {
  for (const WayIn& way : ways_) way.policy->amend(context, head);
}

void remove_tokens(const std::vector<JwtSource>& sources, RequestContext& context) {
  for (const JwtSource& source : sources) {
    if (source.kind == JwtSource::Kind::subprotocol) {
      context.selected_subprotocol = take_subprotocol_token(context.request);
      continue;
    }
    std::string decoded;
    const auto token = read_token(source, context, decoded);
    if (!token || !token->empty()) remove_token(source, context);
  }
}

}  // namespace postern::policy
