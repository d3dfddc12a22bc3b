#include "routing/agreement.h"

#include <algorithm>

namespace postern::routing {
namespace {

constexpr size_t longest_shown = 100;  // bytes of a reading in the sentence
constexpr size_t most_named = 3;

std::string quoted(std::string_view text) {
  std::string made = "\"";
  return made.append(text.substr(0, longest_shown)).append(text.size() > longest_shown ? "…\"" : "\"");
}

}  // namespace

std::string disagreement(const std::vector<Landing>& landings) {
  std::vector<Landing> named;
  for (const Landing& landing : landings) {
    const auto same = [&](const Landing& other) { return other.route == landing.route; };
    if (std::none_of(named.begin(), named.end(), same)) named.push_back(landing);
  }
  if (named.size() > 2) std::erase_if(named, [](const Landing& landing) { return !landing.route; });
  if (named.size() > most_named) named.resize(most_named);
  std::string sentence = "servers read this path in different ways";
  for (const Landing& landing : named) {
    sentence += &landing == named.data() ? ": as " : ", as ";
    sentence += quoted(landing.reading);
    sentence += &landing == named.data() ? " it leads to " : " to ";
    sentence += landing.route ? "route " + quoted(landing.route->name) : std::string("no route");
  }
  return sentence;
}

}  // namespace postern::routing
