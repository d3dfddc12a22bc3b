// Which endpoint gave a client which value, such as the id of a session in a field of its answers. Belongs to
// a group and to the whole process: workers share it, and a reload does not empty it. Any thread.
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

namespace postern::upstream {

class LearnedValues {
 public:
  static constexpr size_t shard_count = 16;
  static constexpr size_t value_size_max = 512;  // bytes; longer ones are not learned

  // `endpoint` tells endpoints apart whatever their order, see hash_of(). Where about `most` values are
  // known, the one that was used longest ago goes: each shard holds an equal part of them, and at least one.
  void learn(std::string_view value, uint64_t endpoint, size_t most);
  // The endpoint that gave it; the value counts as used.
  std::optional<uint64_t> find(std::string_view value);
  void forget(std::string_view value);
  size_t size() const;

 private:
  struct Known {
    std::string value;
    uint64_t endpoint = 0;
  };
  using ByUse = std::list<Known>;  // the one that was used last is the first
  // On a cache line of its own.
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    ByUse by_use;
    std::unordered_map<std::string_view, ByUse::iterator> by_value;  // views of by_use
  };

  Shard& shard_of(std::string_view value);
  static void drop(Shard& shard, ByUse::iterator known);

  std::array<Shard, shard_count> shards_;
};

}  // namespace postern::upstream
