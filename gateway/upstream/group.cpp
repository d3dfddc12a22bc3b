#include "upstream/group.h"

#include <algorithm>

namespace postern::upstream {

std::optional<size_t> Group::pick(const std::vector<size_t>& tried) {
  const size_t count = endpoints_.size();
  const size_t first = count > 1 ? turn_++ % count : 0;
  std::optional<size_t> best;
  const auto better = [&](size_t candidate) {
    if (!best) return true;
    const Endpoint& a = *endpoints_[candidate];
    const Endpoint& b = *endpoints_[*best];
    if (a.standing() != b.standing()) return a.standing() < b.standing();
    return model_.balance == Balance::least_connections && a.load() < b.load();
  };
  for (size_t step = 0; step < count; ++step) {
    const size_t candidate = (first + step) % count;
    if (std::find(tried.begin(), tried.end(), candidate) != tried.end()) continue;
    if (better(candidate)) best = candidate;
  }
  return best;
}

}  // namespace postern::upstream
