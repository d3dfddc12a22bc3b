#include "state/learned_values.h"

#include <algorithm>
#include <functional>

namespace postern::state {

LearnedValues::Shard& LearnedValues::shard_of(std::string_view value) {
  constexpr size_t low_bits = 16;  // the hash table of a shard uses these
  return shards_[(std::hash<std::string_view>()(value) >> low_bits) % shard_count];
}

void LearnedValues::learn(std::string_view value, uint64_t endpoint, size_t most) {
  if (value.empty() || value.size() > value_size_max) return;
  Shard& shard = shard_of(value);
  const std::lock_guard guard(shard.mutex);
  if (const auto known = shard.by_value.find(value); known != shard.by_value.end()) {
    known->second->endpoint = endpoint;
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, known->second);
    return;
  }
  shard.by_use.push_front({std::string(value), endpoint});
  shard.by_value.emplace(shard.by_use.front().value, shard.by_use.begin());
  const size_t most_of_shard = std::max<size_t>(1, most / shard_count);
  while (shard.by_use.size() > most_of_shard) drop(shard, std::prev(shard.by_use.end()));
}

std::optional<uint64_t> LearnedValues::find(std::string_view value) {
  Shard& shard = shard_of(value);
  const std::lock_guard guard(shard.mutex);
  const auto known = shard.by_value.find(value);
  if (known == shard.by_value.end()) return std::nullopt;
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, known->second);
  return known->second->endpoint;
}

void LearnedValues::forget(std::string_view value) {
  Shard& shard = shard_of(value);
  const std::lock_guard guard(shard.mutex);
  const auto known = shard.by_value.find(value);
  if (known != shard.by_value.end()) drop(shard, known->second);
}

size_t LearnedValues::size() const {
  size_t all = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard guard(shard.mutex);
    all += shard.by_use.size();
  }
  return all;
}

void LearnedValues::drop(Shard& shard, ByUse::iterator known) {
  shard.by_value.erase(known->value);
  shard.by_use.erase(known);
}

}  // namespace postern::state
