// A verified token with the claims that a route may require, forward or log.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/live_sessions.h"
#include "state/token_marks.h"

namespace postern::policy {

// Immutable. The exchanges and the cache of one worker share it; any thread may read it.
class VerifiedToken final : public state::SessionToken {
 public:
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  struct Times {
    int64_t expires_at = never;      // Unix seconds: the exp claim, rounded up; never: there is no exp
    int64_t accepted_until = never;  // expires_at with the leeway
  };

  struct Claims;  // the claims as JSON, defined in policy/token_claims.h

  // `key` is state::VerificationKey::number() of the key that has signed it.
  // `subject` is the claim that names the user.
  VerifiedToken(std::unique_ptr<const Claims> claims, Times times, uint64_t key = 0,
                std::string_view subject = "sub");
  ~VerifiedToken() override;
  VerifiedToken(const VerifiedToken&) = delete;
  VerifiedToken& operator=(const VerifiedToken&) = delete;

  // Returns a claim as text, for a header, a log line or a comparison: strings unchanged, numbers and
  // booleans as JSON writes them, arrays of strings joined by commas. `name` is the name of a member, or the
  // names of nested members joined by dots; a member whose own name contains the dots takes precedence
  // ("https://example.org/role").
  //
  // Returns nothing when there is no such claim or no unambiguous text: null, objects, other arrays, a comma
  // inside an element (the list would have two readings), control characters anywhere (they would split a
  // header).
  std::optional<std::string> claim(std::string_view name) const;

  // Returns a claim as text for an endpoint, without loss: the text of claim() where there is one; lists of
  // numbers and booleans joined by commas too; everything else (objects, mixed and nested lists, elements
  // with a comma) as JSON in ASCII. A string may contain control characters. Returns nothing for null and for
  // a missing claim.
  std::optional<std::string> claim_to_forward(std::string_view name) const;

  // True if the claim exists and is not null.
  bool has(std::string_view name) const;

  // True if the text of the claim is `value`, or the claim is an array with such an element. For "scope" (RFC
  // 8693 section 4.2) and "scp" (Azure, Okta) also true if it is one of the words of the string or of such an
  // element.
  bool claim_is(std::string_view name, std::string_view value) const;

  // One value of a claim: a string, a number or a boolean.
  struct ClaimValue {
    std::string_view text{};         // as claim() writes it
    std::optional<double> number{};  // of a JSON number only
  };
  // True if the claim, or one of its elements if it is an array, passes the test. The words of "scope" and
  // "scp" are tested as well, as in claim_is().
  bool any_value(std::string_view name, const std::function<bool(const ClaimValue&)>& test) const;

  int64_t expires_at() const override { return times_.expires_at; }
  int64_t accepted_until() const override { return times_.accepted_until; }

  uint64_t key() const override { return key_; }

  // The text of a claim by which tokens are named, whatever it contains: a string unchanged, anything else as
  // JSON. Empty for null and for a missing claim.
  std::string name_text(std::string_view name) const;

  // What a revocation can name it by. It is computed at each call, which takes about a microsecond.
  state::TokenMarks marks() const override;

  // Of claims as claim() names them.
  state::MarkDigest digest_of(const std::vector<std::string>& claims) const override;

  const Claims& claims() const { return *claims_; }

  // The text of the claim that names the user; empty when there is none.
  std::string_view subject() const { return subject_; }

 private:
  std::unique_ptr<const Claims> claims_;
  Times times_;
  uint64_t key_;
  std::string subject_;
  std::string subject_name_;
};

}  // namespace postern::policy
