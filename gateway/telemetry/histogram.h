// A histogram of durations with one bucket per power of two: from 64 microseconds to over a minute, in 22
// buckets. For one thread only; other threads receive a copy.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace postern::telemetry {

class Histogram {
 public:
  static constexpr size_t bounded = 21;  // buckets with an upper bound; one more has none
  static constexpr size_t buckets = bounded + 1;

  // The longest duration of bucket `index` (below `bounded`), in seconds: 0.000064, 0.000128, ...
  static constexpr double bound(size_t index) {
    return static_cast<double>(uint64_t{1} << (index + first_bits)) / 1e6;
  }

  void record(base::Duration duration) {
    const auto nanoseconds = static_cast<uint64_t>(std::max<int64_t>(0, duration.count()));
    const uint64_t microseconds = (nanoseconds + 999) / 1000;
    // 64 us or less are in bucket 0, 65 to 128 in bucket 1: a value equal to a bound is in the bucket below
    // it.
    const auto bits = static_cast<size_t>(std::bit_width(microseconds == 0 ? 0 : microseconds - 1));
    ++counts_[bits <= first_bits ? 0 : std::min(bits - first_bits, bounded)];
    sum_ns_ += nanoseconds;
  }

  uint64_t count_in(size_t index) const { return counts_[index]; }
  double sum_seconds() const { return static_cast<double>(sum_ns_) / 1e9; }

  void add(const Histogram& other) {
    for (size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
    sum_ns_ += other.sum_ns_;
  }

 private:
  static constexpr size_t first_bits = 6;  // 2^6 microseconds

  std::array<uint64_t, buckets> counts_{};
  uint64_t sum_ns_ = 0;
};

}  // namespace postern::telemetry
