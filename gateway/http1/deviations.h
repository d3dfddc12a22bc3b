// The deviations that were seen in the responses of one connection, each with the bytes that show it, until
// somebody takes them. A connection that has shown one is not used for another request.
#pragma once

#include <bitset>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/deviation.h"

namespace postern::http1 {

using telemetry::Deviation;

struct SeenDeviation {
  Deviation kind;
  std::string bytes;  // see excerpt.h
};

class Deviations {
 public:
  // `show` gives the bytes; it is called for the first one of a kind only.
  template <class Show>
  void note(Deviation kind, Show&& show) {
    const auto bit = static_cast<size_t>(kind);
    if (kinds_[bit]) return;
    kinds_.set(bit);
    untold_.push_back({kind, show()});
  }
  bool has(Deviation kind) const { return kinds_[static_cast<size_t>(kind)]; }
  bool any() const { return kinds_.any(); }
  // Those since the last call.
  std::vector<SeenDeviation> take() { return std::exchange(untold_, {}); }

 private:
  std::bitset<telemetry::deviation_count> kinds_;
  std::vector<SeenDeviation> untold_;
};

}  // namespace postern::http1
