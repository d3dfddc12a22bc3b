// "Did you mean": the nearest of the words that would have been right.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

// Steps from one word to the other: insert, remove or replace a byte, or swap two neighbours.
std::size_t edit_distance(std::string_view left, std::string_view right);

// The candidate nearest to `word`, letters compared without case, when it is near enough to be meant (about a
// third of the word wrong), or else one that `word` begins with or is the beginning of; empty otherwise.
// Looks at the first 1000 candidates and at words up to 64 bytes. The view is one of `candidates`.
std::string_view suggest(std::string_view word, const std::vector<std::string_view>& candidates);

// `; did you mean "upstream"?`, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace postern::config
