// The counts that the workers of a process share: an endpoint's exchanges and tunnels, so that max_requests
// applies to the whole process and load balancing sees all of the load; the requests in a group's queue; the
// clients that wait for a group; and the learned values.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

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
  // Returns the same object for the same key, as long as any worker holds it.
  std::shared_ptr<ProcessLoad> of(const std::string& key) { return shared(loads_, key); }
  std::shared_ptr<LearnedValues> learned_of(const std::string& group) { return shared(learned_, group); }
  std::shared_ptr<WaitingClients> clients_of(const std::string& group) { return shared(clients_, group); }
  void forget_unused() {
    const std::lock_guard guard(mutex_);
    const auto is_unused = [](const auto& known) { return known.second.expired(); };
    std::erase_if(loads_, is_unused);
    std::erase_if(learned_, is_unused);
    std::erase_if(clients_, is_unused);
  }

 private:
  template <class Shared>
  using ByKey = std::map<std::string, std::weak_ptr<Shared>>;
  template <class Shared>
  std::shared_ptr<Shared> shared(ByKey<Shared>& all, const std::string& key) {
    const std::lock_guard guard(mutex_);
    std::weak_ptr<Shared>& known = all[key];
    std::shared_ptr<Shared> one = known.lock();
    if (!one) known = one = std::make_shared<Shared>();
    return one;
  }

  std::mutex mutex_;
  ByKey<ProcessLoad> loads_;
  ByKey<LearnedValues> learned_;
  ByKey<WaitingClients> clients_;
};

}  // namespace postern::state
