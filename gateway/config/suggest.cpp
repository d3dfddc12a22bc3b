#include "config/suggest.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/text.h"

namespace postern::config {
namespace {

constexpr std::size_t max_candidates = 1000;
constexpr std::size_t max_word = 64;
constexpr std::size_t least_prefix = 4;

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
  // The rows of the distance table for the previous two bytes of `left` and for the current one.
  std::vector<std::size_t> before(right.size() + 1), last(right.size() + 1), row(right.size() + 1);
  for (std::size_t column = 0; column <= right.size(); ++column) last[column] = column;
  for (std::size_t line = 1; line <= left.size(); ++line) {
    row[0] = line;
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const std::size_t replace = last[column - 1] + (left[line - 1] == right[column - 1] ? 0 : 1);
      row[column] = std::min({replace, last[column] + 1, row[column - 1] + 1});
      const bool is_swap = line > 1 && column > 1 && left[line - 1] == right[column - 2] &&
                           left[line - 2] == right[column - 1];
      if (is_swap) row[column] = std::min(row[column], before[column - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[right.size()];
}

std::string_view suggest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > max_word) return {};
  const std::string lower = base::to_lower(word);
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  std::size_t best = allowed + 1;
  std::string_view nearest;
  for (std::size_t index = 0; index < std::min(candidates.size(), max_candidates); ++index) {
    const std::string_view candidate = candidates[index];
    if (candidate.size() > word.size() + allowed || word.size() > candidate.size() + allowed) continue;
    // A word in which every letter was changed is another word, not a misspelling.
    const std::size_t distance = edit_distance(lower, base::to_lower(candidate));
    if (distance >= candidate.size() || distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  if (!nearest.empty()) return nearest;
  for (std::size_t index = 0; index < std::min(candidates.size(), max_candidates); ++index) {
    const std::string candidate = base::to_lower(candidates[index]);
    const bool is_cut = std::min(candidate.size(), lower.size()) >= least_prefix &&
                        (candidate.starts_with(lower) || lower.starts_with(candidate));
    if (is_cut) return candidates[index];
  }
  return {};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view nearest = suggest(word, candidates);
  return nearest.empty() ? "" : "; did you mean " + quoted(nearest) + '?';
}

}  // namespace postern::config
