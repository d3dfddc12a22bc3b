// The rules of a route about the claims of the token: who may use which method, on which of its resources.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/claim_condition.h"
#include "policy/segment_template.h"

namespace postern::http {
class PathReadings;
}

namespace postern::policy {

struct ClaimRule {
  std::string name;
  // For which requests the rule is: those with one of these methods, or, with `other_methods`, with none of
  // them. The method's case does not count, since endpoints differ about it, and GET includes HEAD.
  std::vector<std::string> methods{};
  bool other_methods = false;
  std::optional<SegmentTemplate> path{};  // names the segments for {path.NAME}; it chooses no requests
  std::optional<SegmentTemplate> host{};  // likewise
  ClaimCondition condition{};
  bool report_only = false;

  bool applies_to(std::string_view method) const;
  // Whether the condition holds for the request, in every reading of its path. `readings` are those, found by
  // the first rule that needs them.
  bool permits(const VerifiedToken& token, const RequestContext& context,
               std::optional<http::PathReadings>& readings) const;
};

// All rules that apply to a request must permit it. A request without a token is permitted by none.
using ClaimRules = std::vector<ClaimRule>;

}  // namespace postern::policy
