// How one of several endpoints is chosen: rules over candidates, without a look at the endpoints themselves.
// Plain functions in O(candidates) that allocate nothing; at least one candidate is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace postern::upstream {

struct Candidate {
  size_t index = 0;           // in its group
  uint64_t weight = 1;        // at least 1, in a unit that the candidates share
  uint64_t load = 0;          // exchanges and tunnels it has now
  uint64_t identity = 0;      // hash_of() its address: the same in every worker and on every instance
  int64_t* credit = nullptr;  // of the smooth round robin, kept by its endpoint
};
using Candidates = std::span<const Candidate>;

// Fast numbers for choices (SplitMix64). Nobody is kept from guessing them.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  uint64_t below(uint64_t limit) { return next() % limit; }  // limit > 0, far below 2^64

 private:
  uint64_t state_;
};

// The same on every machine and in every version: instances agree on it.
uint64_t hash_of(std::string_view bytes);

// Each returns the place of the chosen one among the candidates.

// Smooth weighted round robin: of weights 3, 1, 1 comes a b a c a, never a a a b c.
size_t in_turn(Candidates candidates);
// The smallest load for its weight; equals in turn.
size_t least_loaded(Candidates candidates);
// The less loaded of two that are drawn by weight.
size_t less_loaded_of_two(Candidates candidates, Random& random);
// Drawn by weight.
size_t at_random(Candidates candidates, Random& random);
// Rendezvous hashing: every key has its own order of the endpoints. One that joins or leaves moves the keys
// that it gets or had, its share by weight, and no others.
size_t by_key(Candidates candidates, uint64_t key);

}  // namespace postern::upstream
