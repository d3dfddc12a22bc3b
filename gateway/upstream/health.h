// Active health checks: the operator's settings for them, and the state that follows from their results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace postern::upstream {

struct HealthModel {
  struct StatusRange {
    uint16_t first = 200;
    uint16_t last = 399;
    friend bool operator==(const StatusRange&, const StatusRange&) = default;
  };

  bool tcp = false;  // a connection (with its TLS handshake) is enough; the next four are for HTTP
  std::string path = "/";
  std::string method = "GET";
  std::string host;  // empty: the endpoint's host
  std::vector<StatusRange> statuses = {{}};
  base::Duration interval = std::chrono::seconds(5);
  base::Duration timeout = std::chrono::seconds(2);  // for the whole check
  uint32_t healthy = 2;                              // consecutive passed checks that bring it up
  uint32_t unhealthy = 3;                            // consecutive failed checks that bring it down
  bool starts_down = false;                          // down until the first check passes

  bool takes(uint16_t status) const {
    for (const StatusRange& range : statuses)
      if (status >= range.first && status <= range.last) return true;
    return false;
  }
};

// The health state of an endpoint. It starts as up, since nothing is known against it, unless the model
// configures otherwise; then the first check that passes brings it up.
class HealthCount {
 public:
  explicit HealthCount(bool starts_down) : up_(!starts_down), known_(!starts_down) {}

  bool up() const { return up_; }
  uint32_t in_a_row() const { return in_a_row_; }
  // Returns true when the state has changed.
  bool record(bool passed, const HealthModel& model);
  // Whether the next check should come soon: the endpoint is down, or the last check contradicts its state.
  bool in_doubt() const { return !up_ || !last_passed_; }

 private:
  bool up_;
  bool known_;  // it was up before
  bool last_passed_ = true;
  uint32_t in_a_row_ = 0;  // consecutive checks with the last result
};

}  // namespace postern::upstream
