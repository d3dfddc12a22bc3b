// Base64 (RFC 4648), strict in both directions: a text decodes only if it is exactly what the encoder here
// would write for those bytes. No white space, no missing or added padding, no unused bits set, no other
// alphabet; two different texts never mean the same bytes. Texts and bytes are views; nothing is stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::crypto {

// RFC 4648 section 5: A-Za-z0-9-_ without padding (RFC 7515 appendix C).
std::string encode_base64url(std::string_view bytes);
std::optional<std::string> decode_base64url(std::string_view text);

// RFC 4648 section 4: A-Za-z0-9+/ with padding.
std::string encode_base64(std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace postern::crypto
