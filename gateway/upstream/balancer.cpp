#include "upstream/balancer.h"

#include <cmath>

namespace postern::upstream {
namespace {

// The finaliser of SplitMix64: every bit of the input affects every bit of the output.
uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// Compares load / weight without a division.
bool less_loaded(const Candidate& left, const Candidate& right) {
  return left.load * right.weight < right.load * left.weight;
}

// Every participating candidate earns its weight as credit; the one with the most credit is chosen and pays
// the total.
template <class TakesPart>
size_t in_turn_among(Candidates candidates, TakesPart&& takes_part) {
  int64_t total = 0;
  size_t best = candidates.size();
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!takes_part(candidates[i])) continue;
    const auto weight = static_cast<int64_t>(candidates[i].weight);
    *candidates[i].credit += weight;
    total += weight;
    if (best == candidates.size() || *candidates[i].credit > *candidates[best].credit) best = i;
  }
  *candidates[best].credit -= total;
  return best;
}

size_t drawn(Candidates candidates, Random& random, size_t left_out) {
  uint64_t total = 0;
  for (size_t i = 0; i < candidates.size(); ++i)
    if (i != left_out) total += candidates[i].weight;
  uint64_t ticket = random.below(total);
  for (size_t i = 0;; ++i) {
    if (i == left_out) continue;
    if (ticket < candidates[i].weight) return i;
    ticket -= candidates[i].weight;
  }
}

}  // namespace

uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15;
  return mixed(state_);
}

uint64_t hash_of(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return mixed(hash);
}

size_t in_turn(Candidates candidates) {
  return in_turn_among(candidates, [](const Candidate&) { return true; });
}

size_t least_loaded(Candidates candidates) {
  const Candidate* least = &candidates.front();
  for (const Candidate& candidate : candidates)
    if (less_loaded(candidate, *least)) least = &candidate;
  return in_turn_among(candidates,
                       [least](const Candidate& candidate) { return !less_loaded(*least, candidate); });
}

size_t less_loaded_of_two(Candidates candidates, Random& random) {
  const size_t first = drawn(candidates, random, candidates.size());
  if (candidates.size() == 1) return first;
  const size_t second = drawn(candidates, random, first);
  return less_loaded(candidates[second], candidates[first]) ? second : first;
}

size_t at_random(Candidates candidates, Random& random) {
  return drawn(candidates, random, candidates.size());
}

size_t by_key(Candidates candidates, uint64_t key) {
  size_t best = 0;
  double best_score = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    // A number in (0, 1) from key and endpoint; with its logarithm an endpoint of twice the weight wins twice
    // as often.
    const double number = (static_cast<double>(mixed(key ^ candidates[i].identity) >> 11) + 0.5) * 0x1.0p-53;
    const double score = -std::log(number) / static_cast<double>(candidates[i].weight);
    if (i == 0 || score < best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

}  // namespace postern::upstream
