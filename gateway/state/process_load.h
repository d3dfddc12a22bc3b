// The counts that the workers of a process share: an endpoint's exchanges and tunnels, so that max_requests
// applies to the whole process and load balancing sees all of the load; the requests in a group's queue; the
// clients that wait for a group; and the learned values.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "state/by_name.h"
#include "state/learned_values.h"
#include "state/waiting_clients.h"

namespace postern::state {

// Any thread. It has its own cache line, because workers write it for every request.
class alignas(64) ProcessLoad {
 public:
  uint32_t count() const { return count_.load(std::memory_order_relaxed); }
  // Returns false when the count is `most` already.
  bool add_below(uint32_t most) {
    uint32_t seen = count();
    while (seen < most)
      if (count_.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return true;
    return false;
  }
  void add(uint32_t more) { count_.fetch_add(more, std::memory_order_relaxed); }
  void remove(uint32_t fewer) { count_.fetch_sub(fewer, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> count_{0};
};

// Any thread; used when a worker adopts a snapshot.
class ProcessLoads {
 public:
  // `key` is an endpoint's or a group's, see upstream/registry.h.
  std::shared_ptr<ProcessLoad> of(const std::string& key) { return loads_.of(key); }
  std::shared_ptr<LearnedValues> learned_of(const std::string& group) { return learned_.of(group); }
  std::shared_ptr<WaitingClients> clients_of(const std::string& group) { return clients_.of(group); }
  void forget_unused() {
    loads_.forget_unused();
    learned_.forget_unused();
    clients_.forget_unused();
  }

 private:
  ByName<ProcessLoad> loads_;
  ByName<LearnedValues> learned_;
  ByName<WaitingClients> clients_;
};

}  // namespace postern::state
