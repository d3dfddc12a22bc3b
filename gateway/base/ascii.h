// Text functions with the meaning that protocols give them: case folding of ASCII letters only,
// comma-separated lists, and the character classes of RFC 9110.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::base {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool equal_ignoring_case(std::string_view a, std::string_view b);
// Also ignores case, and treats all characters as equal that are neither letters nor digits: CGI and similar
// interfaces cannot tell such field names apart. Most turn "-" into "_" only, PHP also ".", others all of
// them.
bool equal_as_variable(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text);  // removes spaces and tabs at both ends

bool is_token_char(char c);            // RFC 9110 5.6.2
bool is_token(std::string_view text);  // one or more token characters

// Removes the next element from the front of a comma-separated list and returns it trimmed. Empty elements
// are skipped (RFC 9110 5.6.1.2). Returns nothing when the list is used up.
std::optional<std::string_view> next_element(std::string_view& list);
bool list_contains(std::string_view list, std::string_view element);  // case-insensitive

std::optional<uint64_t> parse_decimal(std::string_view text);  // digits only, no overflow

}  // namespace postern::base
