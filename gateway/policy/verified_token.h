// What a genuine token says: the claims a route may require, forward or log.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::policy {

// Immutable; shared by the exchanges of one worker and its cache, and safe to read from any thread.
class VerifiedToken {
 public:
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  struct Times {
    int64_t expires_at = never;      // Unix seconds: the exp claim, rounded up; never: it has none
    int64_t accepted_until = never;  // expires_at with the leeway
  };

  struct Claims;  // the claims as JSON, which only policy/token_claims.h knows

  VerifiedToken(std::unique_ptr<const Claims> claims, Times times);
  ~VerifiedToken();
  VerifiedToken(const VerifiedToken&) = delete;
  VerifiedToken& operator=(const VerifiedToken&) = delete;

  // A claim as text, for a header, a log line or a comparison: strings as they are, numbers and booleans as
  // JSON writes them, arrays of strings joined by commas. `name` is a member's name, or names of nested
  // members joined by dots; the member whose own name has the dots wins ("https://example.org/role").
  //
  // Nothing when there is no such claim or no faithful text: null, objects, other arrays, a comma inside an
  // element (two readings of one list), control characters anywhere (a header would be split).
  std::optional<std::string> claim(std::string_view name) const;

  // A claim as text for an endpoint, so that nothing of it is lost: as claim() where that has a text; lists
  // of numbers and booleans joined by commas as well; all else (objects, mixed and nested lists, elements
  // with a comma) as JSON in ASCII. A string may hold control characters. Nothing for null and what is not
  // there.
  std::optional<std::string> claim_to_forward(std::string_view name) const;

  // True if the claim exists and is not null.
  bool has(std::string_view name) const;

  // True if the claim is `value`, as text, or is an array with such an element; for "scope" (RFC 8693 section
  // 4.2) and "scp" (Azure, Okta) also if it is one of the words of the string, or of such an element.
  bool claim_is(std::string_view name, std::string_view value) const;

  int64_t expires_at() const { return times_.expires_at; }
  int64_t accepted_until() const { return times_.accepted_until; }

  // The sub claim; empty when there is none.
  std::string_view subject() const { return subject_; }

 private:
  std::unique_ptr<const Claims> claims_;
  Times times_;
  std::string subject_;
};

}  // namespace postern::policy
