// Cuts a text into pieces, at random places or into single bytes.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

namespace postern::support {

// Cuts `bytes` at random places with this seed; no piece is empty.
inline std::vector<std::string_view> cut_at_random(std::string_view bytes, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string_view> pieces;
  while (!bytes.empty()) {
    // Mostly small pieces, so that cuts fall inside tokens and line ends.
    const size_t most = random() % 4 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 7);
    const size_t size = 1 + random() % most;
    pieces.push_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return pieces;
}

inline std::vector<std::string_view> cut_into_bytes(std::string_view bytes) {
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < bytes.size(); ++i) pieces.push_back(bytes.substr(i, 1));
  return pieces;
}

}  // namespace postern::support
