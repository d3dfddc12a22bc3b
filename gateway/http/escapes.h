// Percent-encoding of paths (RFC 3986 2.1).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::http {

int hex_digit(char c);  // -1 when `c` is not a hexadecimal digit

// Returns the byte that the escape at `position`, a "%", encodes; -1 when the escape is malformed.
int escaped_byte(std::string_view text, size_t position);

// Whether the escape at `position`, which encodes `byte`, begins an overlong form of a shorter UTF-8
// sequence: some readers decode "%c0%af" to a slash.
bool is_overlong(std::string_view path, size_t position, int byte);

// Appends "%XX" with upper-case digits.
void append_escape(char c, std::string& text);

// Returns `target` with its non-ASCII bytes escaped: a client may send them in a target, but they are not
// allowed in a URL in a header field.
std::string in_ascii(std::string_view target);

// Appends a path in canonical spelling, which no reader understands differently: escapes get upper-case
// digits; a "%" that begins no escape, bytes outside ASCII, control characters, the space and <>"{}|^` are
// escaped.
void append_canonical(std::string_view path, std::string& text);

}  // namespace postern::http
