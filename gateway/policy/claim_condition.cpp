#include "policy/claim_condition.h"

#include <algorithm>

#include "policy/verified_token.h"

namespace postern::policy {
namespace {

using Kind = ClaimCondition::Kind;

Truth truth(bool holds) { return holds ? Truth::yes : Truth::no; }

// Joins the truths of conditions: of which all must hold (`decides` is no), or any (yes).
template <class Conditions, class Judge>
Truth join(const Conditions& conditions, Truth decides, const Judge& judge) {
  Truth joined = decides == Truth::no ? Truth::yes : Truth::no;
  for (const auto& condition : conditions) {
    const Truth one = judge(condition);
    if (one == decides) return decides;
    if (one == Truth::unknown) joined = Truth::unknown;
  }
  return joined;
}

Truth negated(Truth of) { return of == Truth::unknown ? of : truth(of == Truth::no); }

}  // namespace

ClaimCondition ClaimCondition::is(std::string claim, const std::vector<std::string>& texts) {
  ClaimCondition condition;
  condition.kind = Kind::one_of;
  condition.claim = std::move(claim);
  for (const std::string& text : texts) condition.values.push_back(RequestText::literal(text));
  return condition;
}

Truth ClaimCondition::judge(const VerifiedToken& token, const RequestValues& request) const {
  const auto has = [&](const RequestText& wanted) {
    if (const std::string* fixed = wanted.fixed()) return truth(token.claim_is(claim, *fixed));
    const std::optional<std::string> filled = wanted.fill(request);
    return filled ? truth(token.claim_is(claim, *filled)) : Truth::unknown;
  };
  const auto holds = [&](const ClaimCondition& part) { return part.judge(token, request); };
  switch (kind) {
    case Kind::present: return truth(token.has(claim));
    case Kind::one_of: return join(values, Truth::yes, has);
    case Kind::has_all: return join(values, Truth::no, has);
    case Kind::pattern:
      return truth(token.any_value(claim, [this](const VerifiedToken::ClaimValue& value) {
        return !value.number && pattern->fits(value.text);
      }));
    case Kind::number:
      return truth(token.any_value(claim, [this](const VerifiedToken::ClaimValue& value) {
        return value.number && (!least || *value.number >= *least) && (!most || *value.number <= *most);
      }));
    case Kind::all: return join(parts, Truth::no, holds);
    case Kind::any: return join(parts, Truth::yes, holds);
    case Kind::none: return negated(join(parts, Truth::yes, holds));
  }
  return Truth::no;
}

std::vector<RequestValue> ClaimCondition::request_values() const {
  std::vector<RequestValue> found;
  for (const RequestText& text : values)
    for (RequestValue& value : text.values()) found.push_back(std::move(value));
  for (const ClaimCondition& part : parts)
    for (RequestValue& value : part.request_values()) found.push_back(std::move(value));
  return found;
}

void ClaimCondition::append_claims(std::vector<std::string>& names) const {
  if (!claim.empty()) names.push_back(claim);
  for (const ClaimCondition& part : parts) part.append_claims(names);
}

size_t ClaimCondition::size() const {
  size_t sum = parts.empty() ? std::max<size_t>(values.size(), 1) : 0;
  for (const ClaimCondition& part : parts) sum += part.size();
  return sum;
}

}  // namespace postern::policy
