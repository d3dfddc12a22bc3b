// The conditions under which an attempt at an endpoint counts as failed, by the names that operators use.
// Retries and ejection are based on them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/error_fwd.h"

namespace postern::upstream {

enum class Condition : uint8_t {
  connect,           // no connection was established: nothing was sent
  reset,             // the connection broke before a byte of the response
  timeout,           // the head of the response did not arrive in time
  invalid_response,  // not valid HTTP, or not a response to the request
};

// Returns the condition of an error; nothing when the error says nothing about the endpoint.
std::optional<Condition> condition_of(base::Cause cause, bool sent);

class Conditions {
 public:
  Conditions() = default;
  Conditions(std::initializer_list<Condition> conditions) {
    for (Condition condition : conditions) add(condition);
  }
  void add(Condition condition) { bits_ = static_cast<uint8_t>(bits_ | bit(condition)); }
  void add_status(uint16_t status) { statuses_.push_back(status); }
  void add(const Conditions& others) {
    bits_ = static_cast<uint8_t>(bits_ | others.bits_);
    statuses_.insert(statuses_.end(), others.statuses_.begin(), others.statuses_.end());
  }

  bool has(Condition condition) const { return (bits_ & bit(condition)) != 0; }
  // Whether a complete response with this status counts as a failure.
  bool has_status(uint16_t status) const {
    return !statuses_.empty() && std::find(statuses_.begin(), statuses_.end(), status) != statuses_.end();
  }

  friend bool operator==(const Conditions&, const Conditions&) = default;

 private:
  static uint8_t bit(Condition condition) {
    return static_cast<uint8_t>(1u << static_cast<unsigned>(condition));
  }
  uint8_t bits_ = 0;
  std::vector<uint16_t> statuses_;
};

}  // namespace postern::upstream
