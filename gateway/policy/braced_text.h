// Splits a text that an operator writes into what stands as it is and what stands in braces:
// "https://{host}".
// "{{" and "}}" are escapes for single braces.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace postern::policy {

struct BracedPart {
  std::string text;         // without the braces
  bool is_literal = false;  // it stood outside of braces
};

// The error is a sentence that continues after the quoted text. No literal is empty.
tl::expected<std::vector<BracedPart>, std::string> split_braces(std::string_view text);

}  // namespace postern::policy
