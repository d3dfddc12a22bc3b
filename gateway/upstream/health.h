// Active health: what an operator asks of an endpoint's checks, and what a row of them makes of it.
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
  };

  bool tcp = false;  // a connection (and its TLS handshake) is enough; the next four are for HTTP
  std::string path = "/";
  std::string method = "GET";
  std::string host;  // empty: the endpoint's
  std::vector<StatusRange> statuses = {{}};
  base::Duration interval = std::chrono::seconds(5);
  base::Duration timeout = std::chrono::seconds(2);  // of the whole check
  uint32_t healthy = 2;                              // checks in a row that bring it up
  uint32_t unhealthy = 3;                            // and down
  bool starts_down = false;                          // until the first check passes

  bool takes(uint16_t status) const {
    for (const StatusRange& range : statuses)
      if (status >= range.first && status <= range.last) return true;
    return false;
  }
};

// An endpoint's state by its checks. It starts as up, for nothing is known against it, unless the model says
// otherwise; then the first check that passes brings it up.
class HealthCount {
 public:
  explicit HealthCount(bool starts_down) : up_(!starts_down), known_(!starts_down) {}

  bool up() const { return up_; }
  uint32_t in_a_row() const { return in_a_row_; }
  // True: the state has changed.
  bool record(bool passed, const HealthModel& model);
  // The next check is to come soon: the endpoint is down, or the last check was against its state.
  bool in_doubt() const { return !up_ || !last_passed_; }

 private:
  bool up_;
  bool known_;  // it has been up before
  bool last_passed_ = true;
  uint32_t in_a_row_ = 0;  // checks with the last result
};

}  // namespace postern::upstream
