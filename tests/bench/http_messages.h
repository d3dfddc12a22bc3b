#pragma once

#include <string>
#include <string_view>

namespace postern::bench {

inline constexpr std::string_view websocket_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::size_t small_body_size = 200;
inline constexpr std::size_t json_body_size = 10 * 1024;

/// Where the head ends, behind its empty line; npos while it is incomplete.
std::size_t head_size(std::string_view input);

/// The value of the first field of this name (any case) without spaces around it; empty when there is none.
std::string_view field_value(std::string_view head, std::string_view name);

/// A GET with four header fields.
std::string small_request(std::string_view path);

/// A GET as a browser sends it with cookies: about 1.3 KB.
std::string browser_request(std::string_view path);

/// A WebSocket handshake with `websocket_key`.
std::string upgrade_request(std::string_view path);

/// A 200 with the fields an application commonly sends and a body of that size.
std::string response(std::string_view content_type, std::size_t body_size);

}  // namespace postern::bench
