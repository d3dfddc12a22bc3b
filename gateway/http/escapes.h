// Percent escapes of paths (RFC 3986 2.1).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::http {

int hex_digit(char c);  // -1: none

// The byte that the escape at `position`, a "%", stands for; -1 when it is broken.
int escaped_byte(std::string_view text, size_t position);

// Whether the escape at `position`, which stands for `byte`, begins an overlong form of a shorter UTF-8
// sequence: some readers take "%c0%af" for a slash.
bool is_overlong(std::string_view path, size_t position, int byte);

// As "%XX", with capitals.
void append_escape(char c, std::string& text);

// With escapes for bytes outside ASCII, which a client may put into a target and no URL of a field may have.
std::string in_ascii(std::string_view target);

// Appends a path in the one spelling that differs from it in nothing a reader could mind: escapes in
// capitals, and escapes for a "%" that begins none, for bytes outside ASCII, control characters, the space
// and <>"{}|^`.
void append_canonical(std::string_view path, std::string& text);

}  // namespace postern::http
