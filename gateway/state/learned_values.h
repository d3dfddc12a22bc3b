// Remembers which endpoint gave a client which value, such as a session id in a response field. It belongs to
// one group of the whole process: workers share it, and it survives reloads. Any thread may use it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postern::state {

class LearnedValues {
 public:
  static constexpr size_t shard_count = 16;
  static constexpr size_t value_size_max = 512;  // bytes; longer values are not learned

  // Stores which endpoint gave a value. `endpoint` identifies an endpoint independently of its position, as
  // hash_of() of upstream/balancer.h makes it. When about `most` values are stored, the least recently used
  // one is removed: each shard holds an equal part of them, at least one.
  void learn(std::string_view value, uint64_t endpoint, size_t most);
  // Returns the endpoint that gave the value, and marks the value as used.
  std::optional<uint64_t> find(std::string_view value);
  void forget(std::string_view value);
  size_t size() const;

 private:
  struct Known {
    std::string value;
    uint64_t endpoint = 0;
  };
  using ByUse = std::list<Known>;  // the most recently used value first
  // Each shard has its own cache line.
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    ByUse by_use;
    std::unordered_map<std::string_view, ByUse::iterator> by_value;  // its keys are views into by_use
  };

  Shard& shard_of(std::string_view value);
  static void drop(Shard& shard, ByUse::iterator known);

  std::array<Shard, shard_count> shards_;
};

}  // namespace postern::state
