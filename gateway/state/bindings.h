// What a snapshot says about the state of the process, and how a worker gets at it. A snapshot contains Names
// only: policies and rules refer to an entry by its index in them. When a worker pins a snapshot,
// ProcessState binds the names, and the pin holds the Bindings: so a request finds an entry without looking
// for its name, and no snapshot contains anything that changes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "state/admission_line.h"
#include "state/key_store.h"
#include "state/rate_limiter.h"
#include "state/socket_counts.h"

namespace postern::state {

struct Names {
  std::vector<RateLimitSettings> rate_limits{};
  std::vector<std::string> keys{};             // names in the jwt section
  std::vector<std::string> socket_counts{};    // routes that limit the number of their WebSockets
  std::vector<std::string> stream_counts{};    // the same for event streams
  std::vector<std::string> admission_lines{};  // routes that limit the rate of new WebSockets
};

// The entries in the order of the Names. Never null.
struct Bindings {
  std::vector<std::shared_ptr<RateLimiter>> rate_limits;
  std::vector<std::shared_ptr<const LiveKeys>> keys;
  std::vector<std::shared_ptr<SocketCounts>> socket_counts;
  std::vector<std::shared_ptr<SocketCounts>> stream_counts;
  std::vector<std::shared_ptr<AdmissionLine>> admission_lines;
};

}  // namespace postern::state
