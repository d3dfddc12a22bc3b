// Feeds a decoder with the same bytes in every way: whole, one at a time, and cut at random places. The
// result must be the same each time.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/random_cuts.h"

namespace postern::support {

inline constexpr int random_cuts = 8;

// Calls `judge(decode(pieces))` for every way. `decode` makes a fresh decoder, feeds it the pieces in order
// and returns the result. A failed check inside `judge` is printed with the way and the seed.
template <class Decode, class Judge>
void feed_every_way(std::string_view bytes, Decode&& decode, Judge&& judge) {
  {
    INFO("fed whole");
    judge(decode(std::vector<std::string_view>{bytes}));
  }
  {
    INFO("fed byte by byte");
    judge(decode(cut_into_bytes(bytes)));
  }
  static std::random_device entropy;
  for (int i = 0; i < random_cuts; ++i) {
    const uint32_t seed = entropy();
    INFO("fed in random pieces, seed " << seed);
    judge(decode(cut_at_random(bytes, seed)));
  }
}

// All messages joined into one byte stream.
inline std::string joined(const std::vector<std::string>& messages) {
  std::string all;
  for (const std::string& message : messages) all += message;
  return all;
}

}  // namespace postern::support
