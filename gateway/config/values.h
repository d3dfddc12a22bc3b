// Parses text into typed values: durations, sizes, numbers, booleans and the words of HTTP. The functions are
// pure: they say what is wrong with a text, and the caller adds where it is. Addresses are in
// config/addresses.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace postern::config {

// Why a text is refused. `rule` repeats nothing of the text. `better` is the spelling that is probably meant,
// if there is one. It may repeat parts of the text, so do not show it when the text is a secret.
struct Complaint {
  std::string rule;  // follows the quoted text: "has no unit (write 5s, 500ms, 2m or 1h)"
  std::string better;
};

template <class T>
using Parsed = tl::expected<T, Complaint>;

inline tl::unexpected<Complaint> complain(std::string rule, std::string better = "") {
  return tl::unexpected<Complaint>(Complaint{std::move(rule), std::move(better)});
}

// Parses "5s", "500ms", "2m" or "1h": an integer and its unit. 0 is a duration here; the caller checks the
// range.
Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);

// Bytes: "65536", "64B", "16KiB", "1MiB", "2GiB", "32k", "1M", "1G" (k, M, G are powers of 1024, as nginx
// reads them).
Parsed<uint64_t> parse_size(std::string_view text);

// Decimal digits only: no sign, no leading zero (YAML 1.1 read 010 as 8), no 0x.
Parsed<uint64_t> parse_number(std::string_view text);

// "100/s", "10/m", "1000/h": a whole number from 1 to 1,000,000 and the time that it is for.
struct Rate {
  uint32_t count = 0;
  std::chrono::seconds per{0};
};
Parsed<Rate> parse_rate(std::string_view text);
// The same for other things than requests, which an error names.
Parsed<Rate> parse_message_rate(std::string_view text);
Parsed<Rate> parse_socket_rate(std::string_view text);

// "240B/s", "10KiB/s": bytes in a second, at least one.
Parsed<uint64_t> parse_byte_rate(std::string_view text);

// "20%": a whole number from 0 to 100 and a percent sign.
Parsed<uint32_t> parse_percentage(std::string_view text);

// true or false and nothing else: `no`, `on` and `1` mean different things to different readers.
Parsed<bool> parse_boolean(std::string_view text);

// 1 to 65535, or 0 to 65535.
Parsed<uint16_t> parse_port(std::string_view text, bool allow_zero);

// A method as routes and preflights name it: a token in upper case.
Parsed<std::string> parse_method(std::string_view text);

// A field name: a token, and not "*".
Parsed<std::string> parse_header_name(std::string_view text);

// A cookie's name: a token.
Parsed<std::string> parse_cookie_name(std::string_view text);

// A field name that the gateway may set on a request. Refused are fields that say where the message goes or
// how its body is read (Host, Content-*, Range, Expect), hop-by-hop fields, credentials (Authorization,
// Cookie), Origin, fields that the gateway sets itself (X-Forwarded-For, -Proto, -Host and -Port, Forwarded,
// Via), and names that begin with Sec- or Proxy-.
Parsed<std::string> parse_settable_header(std::string_view text);

// A field name that an operator's rules may change on a request or a response. Refused are only fields that
// say where a message goes or how its body is read, and those of one connection.
Parsed<std::string> parse_request_field(std::string_view text);
Parsed<std::string> parse_response_field(std::string_view text);

// The value of a field: no control characters, no white space at its ends.
Parsed<std::string> parse_field_value(std::string_view text);

// The name of an upstream, a list, a route: letters, digits, ".", "_" and "-", at most 64. Names go into logs
// and metric labels.
Parsed<std::string> parse_name(std::string_view text);

// Returns a duration as parse_duration() reads it, with no remainder: whole hours as "2h", 2 to 59 whole
// minutes as "5m", otherwise "90s", or "250ms".
std::string to_text(std::chrono::milliseconds duration);

// JOSE algorithm names (RFC 7518 section 3.1, RFC 8037) that tokens may be signed with.
const std::vector<std::string_view>& token_algorithms();

}  // namespace postern::config
