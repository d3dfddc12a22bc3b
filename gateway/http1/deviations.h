// Records the deviations from HTTP in the responses of one connection, each with the bytes that show it,
// until the caller takes them. A connection that has shown a deviation is not reused for another request.
#pragma once

#include <bitset>
#include <utility>
#include <vector>

#include "http/fault.h"

namespace postern::http1 {

using telemetry::Deviation;

class Deviations {
 public:
  // `show` returns the bytes; it is called only for the first deviation of each kind.
  template <class Show>
  void note(Deviation kind, Show&& show) {
    const auto bit = static_cast<size_t>(kind);
    if (kinds_[bit]) return;
    kinds_.set(bit);
    untold_.push_back({kind, show()});
  }
  bool has(Deviation kind) const { return kinds_[static_cast<size_t>(kind)]; }
  bool any() const { return kinds_.any(); }
  // Returns the deviations since the last call.
  std::vector<http::SeenDeviation> take() { return std::exchange(untold_, {}); }

 private:
  std::bitset<telemetry::deviation_count> kinds_;
  std::vector<http::SeenDeviation> untold_;
};

}  // namespace postern::http1
