#include "policy/braced_text.h"

#include <utility>

namespace postern::policy {

tl::expected<std::vector<BracedPart>, std::string> split_braces(std::string_view text) {
  using Failure = tl::unexpected<std::string>;
  std::vector<BracedPart> parts;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) parts.push_back({std::exchange(literal, {}), true});
  };
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      literal += c;
      ++at;
    } else if (c == '}') {
      return Failure("has \"}\" without \"{\"; write \"}}\" for the character");
    } else if (c == '{') {
      const size_t close = text.find('}', at);
      if (close == text.npos) return Failure("has \"{\" without \"}\"; write \"{{\" for the character");
      end_literal();
      parts.push_back({std::string(text.substr(at + 1, close - at - 1)), false});
      at = close;
    } else {
      literal += c;
    }
  }
  end_literal();
  return parts;
}

}  // namespace postern::policy
