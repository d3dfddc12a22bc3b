// Suggestions for a misspelt word: the nearest of the words that are allowed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

// The number of steps from one word to the other. A step inserts, removes or replaces a byte, or swaps two
// neighbours.
std::size_t edit_distance(std::string_view left, std::string_view right);

// Returns the candidate nearest to `word`, without regard to case, if at most about a third of the word is
// wrong; otherwise one that `word` begins with or is the beginning of; otherwise an empty text. Looks at the
// first 1000 candidates and at words of at most 64 bytes. The result refers to the text of a candidate.
std::string_view suggest(std::string_view word, const std::vector<std::string_view>& candidates);

// Returns `; did you mean "upstream"?`, or an empty text.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace postern::config
