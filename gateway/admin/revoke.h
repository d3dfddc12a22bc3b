// Revocations that an operator writes as JSON: one object, a list of them, or a line for each.
//   {"sub":"ann","issuer":"https://login.example","for":"12h"}    every token of the subject
//   {"jti":"…"}   {"sid":"…"}                                     one token; the tokens of a session
//   {"issued_before":"2026-12-01T08:00:00Z","sub":"ann"}          of a subject, an issuer, or all
// issued_before is such a time in UTC, Unix seconds, or "now".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/clock.h"
#include "base/json.h"
#include "state/revocations.h"

namespace postern::admin {

struct RevokeSettings {
  state::Revocations* table = nullptr;  // null: nothing is revoked here
  bool may_add = false;
  base::Duration lasts{};  // where a revocation does not say for how long
};

// `now` is in Unix seconds, here and below. The error is a sentence.
tl::expected<state::Revocation, std::string> read_revocation(const base::Json& json,
                                                             const RevokeSettings& settings, int64_t now);

// Takes the body of a request in pieces, and what it says takes effect as it comes: a million revocations
// need no more memory than one.
class RevokeReader {
 public:
  enum class Form : uint8_t {
    whole,  // an object or a list of them, of at most `whole_max` bytes
    lines,  // an object on each line
  };
  enum class Outcome : uint8_t { good, wrong, full };
  static constexpr size_t whole_max = 64 * 1024;
  static constexpr size_t line_max = 4 * 1024;

  RevokeReader(const RevokeSettings& settings, Form form, int64_t now)
      : settings_(settings), form_(form), now_(now) {}

  // False: there is a mistake, or the table is full. What came before it is in effect; the rest is not read.
  bool feed(std::string_view bytes);
  bool finish();

  Outcome outcome() const { return outcome_; }
  const std::string& problem() const { return problem_; }  // a sentence; empty: there is none
  uint64_t added() const { return added_; }
  uint64_t known() const { return known_; }  // that were in effect already

 private:
  bool take_text(std::string_view text);
  bool take(const base::Json& json);
  bool fail(Outcome outcome, std::string sentence);

  const RevokeSettings& settings_;
  const Form form_;
  const int64_t now_;
  std::string rest_;  // of the body, or the line that is not complete
  uint64_t line_ = 0;
  uint64_t added_ = 0;
  uint64_t known_ = 0;
  Outcome outcome_ = Outcome::good;
  std::string problem_;
};

// The newest revocations that are in effect, and how many there are of each kind.
std::string revocations_json(const state::Revocations& table, int64_t now);

}  // namespace postern::admin
