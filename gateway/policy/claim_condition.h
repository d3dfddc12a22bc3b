// Conditions on the claims of a verified token: one claim and what it must be, or several conditions joined.
// Those of a route may compare a claim with a value of the request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/pattern.h"
#include "policy/request_text.h"

namespace postern::policy {

class VerifiedToken;

// What a condition comes to. A value that the request does not have makes a comparison unknown, and what is
// unknown permits nothing, not even behind `not`.
enum class Truth : uint8_t { no, unknown, yes };

struct ClaimCondition {
  enum class Kind : uint8_t {
    present,  // the claim exists and is not null
    one_of,   // the claim has one of `values`: it is that value, or a list with it (VerifiedToken::claim_is)
    has_all,  // it has all of them
    pattern,  // it, or an element of it, is a text that the whole `pattern` matches
    number,   // it, or an element of it, is a number from `least` to `most`
    all,      // of `parts`
    any,      // of `parts`
    none,     // of `parts`
  };
  Kind kind = Kind::all;
  std::string claim{};  // as in VerifiedToken::claim
  std::vector<RequestText> values{};
  std::shared_ptr<const Pattern> pattern{};
  std::optional<double> least{};
  std::optional<double> most{};
  std::vector<ClaimCondition> parts{};

  // The claim must be, or hold, one of these texts.
  static ClaimCondition is(std::string claim, const std::vector<std::string>& texts);

  Truth judge(const VerifiedToken& token, const RequestValues& values) const;
  // The values of the request in this condition and in its parts.
  std::vector<RequestValue> request_values() const;
  // Appends the claims that it reads, in any order and some twice.
  void append_claims(std::vector<std::string>& names) const;
  // The number of comparisons in it.
  size_t size() const;
};

}  // namespace postern::policy
