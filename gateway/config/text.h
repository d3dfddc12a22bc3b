// Words of the operator's file, made fit to be shown on a terminal. Everything that a diagnostic repeats from
// the file passes through here, so that nothing moves the cursor or reorders the line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::config {

// True when `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
// When it is not and `bad` is given, *bad is the offset of the first byte that does not belong.
bool is_utf8(std::string_view text, std::size_t* bad = nullptr);

// Offset of the first control character (C0, DEL, or C1 as UTF-8) at or after `from`; npos: none.
std::size_t find_control(std::string_view text, std::size_t from = 0);

// `text` without anything a terminal would obey: control characters, line separators and bidirectional
// controls as \xNN, at most `limit` bytes of it, then "...".
std::string shown(std::string_view text, std::size_t limit = 80);

// shown() between double quotes. The password of a URL, and secrets in its query, are "***".
std::string quoted(std::string_view text);

// "path.key" for a diagnostic, or "key" where there is no path; the key is shown as above.
std::string key_path(const std::string& path, std::string_view key);

// ASCII letters only; other bytes stay as they are.
std::string to_upper(std::string_view text);

}  // namespace postern::config
