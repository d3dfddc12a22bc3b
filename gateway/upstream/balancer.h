// Load balancing: chooses one of several candidate endpoints without access to the endpoints themselves.
// Plain functions in O(candidates) that allocate nothing; the list of candidates must not be empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace postern::upstream {

struct Candidate {
  size_t index = 0;           // in its group
  uint64_t weight = 1;        // at least 1, in a unit that all candidates share
  uint64_t load = 0;          // current exchanges and tunnels
  uint64_t identity = 0;      // hash_of() of its address: the same in every worker and every instance
  int64_t* credit = nullptr;  // for the smooth round robin; owned by the endpoint
};
using Candidates = std::span<const Candidate>;

// A fast random number generator for choices (SplitMix64). Its numbers are predictable.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  uint64_t below(uint64_t limit) { return next() % limit; }  // requires limit > 0, far below 2^64

 private:
  uint64_t state_;
};

// The result is the same on every machine and in every version, because instances must agree on it.
uint64_t hash_of(std::string_view bytes);

// Each function returns the position of the chosen candidate.

// Smooth weighted round robin: weights 3, 1, 1 give a b a c a, never a a a b c.
size_t in_turn(Candidates candidates);
// Least load in relation to the weight; equal candidates take turns.
size_t least_loaded(Candidates candidates);
// The less loaded of two candidates that are drawn at random by weight.
size_t less_loaded_of_two(Candidates candidates, Random& random);
// Drawn at random by weight.
size_t at_random(Candidates candidates, Random& random);
// Rendezvous hashing: every key has its own order of the endpoints. An endpoint that joins or leaves moves
// only the keys that it gets or had, its share by weight.
size_t by_key(Candidates candidates, uint64_t key);

}  // namespace postern::upstream
