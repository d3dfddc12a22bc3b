// Host names beyond ASCII, as people write them.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace postern::config {

bool is_ascii(std::string_view text);

// Converts a name in UTF-8 to the form in which browsers send it: labels beyond ASCII become A-labels
// ("münchen.example" is "xn--mnchen-3ya.example"; UTS 46, nontransitional, and IDNA 2008). The error says why
// a name cannot be converted; it continues a sentence.
tl::expected<std::string, std::string> to_ascii_name(std::string_view name);

}  // namespace postern::config
