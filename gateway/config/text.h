// Makes text of a configuration file safe to print on a terminal. Everything that a diagnostic repeats from
// the file passes through here, so that nothing moves the cursor or reorders the line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::config {

// True when `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). If it
// is not and `bad` is not null, *bad is the offset of the first byte that is wrong.
bool is_utf8(std::string_view text, std::size_t* bad = nullptr);

// Offset of the first control character (C0, DEL, or C1 as UTF-8) at or after `from`; npos: none.
std::size_t find_control(std::string_view text, std::size_t from = 0);

// Returns at most `limit` bytes of `text`, then "...", without anything that a terminal would obey: control
// characters, line separators and bidirectional controls are written as \xNN.
std::string shown(std::string_view text, std::size_t limit = 80);

// shown() in double quotes. The password of a URL, and secrets in its query, are replaced by "***".
std::string quoted(std::string_view text);

// Returns "path.key" for a diagnostic, or "key" if the path is empty; the key passes through shown().
std::string key_path(const std::string& path, std::string_view key);

// Returns a key as far as a diagnostic may repeat it. What follows a ":", "=" or space in it may be a value
// that lacks the space which YAML needs: behind the name of a secret, or one that is misspelt, it is replaced
// by
// "...".
std::string without_value(std::string_view key);

// Changes ASCII letters only; other bytes stay as they are.
std::string to_upper(std::string_view text);

}  // namespace postern::config
