// The queue of new sockets of a route, shared by all workers.
#pragma once

#include <atomic>
#include <cstdint>

namespace postern::state {

// Any thread.
struct AdmissionLine {
  // When the whole burst is available again, in nanoseconds on the clock of base::Instant.
  std::atomic<int64_t> full_at{0};

  // Continues at least where the other queue is.
  void follow(const AdmissionLine& other) {
    const int64_t reached = other.full_at;
    for (int64_t mine = full_at; mine < reached && !full_at.compare_exchange_weak(mine, reached);) {
    }
  }
};

}  // namespace postern::state
