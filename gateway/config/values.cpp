#include "config/values.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/ascii.h"
#include "config/text.h"
#include "http/head.h"

namespace postern::config {
namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::size_t count_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

std::string_view without_zeros(std::string_view digits) {
  const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  return digits.substr(first);
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr auto duration_units =
    std::to_array<Unit>({{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}});

constexpr uint64_t kibi = 1024;
constexpr auto size_units = std::to_array<Unit>({{"", 1},
                                                 {"B", 1},
                                                 {"k", kibi},
                                                 {"K", kibi},
                                                 {"KiB", kibi},
                                                 {"M", kibi* kibi},
                                                 {"MiB", kibi* kibi},
                                                 {"G", kibi* kibi* kibi},
                                                 {"GiB", kibi* kibi* kibi}});

constexpr std::string_view duration_rule = "is not a duration (write 500ms, 5s, 2m or 1h)";
constexpr std::string_view size_rule = "is not a size (write 16KiB, 1MiB or 2GiB)";

template <std::size_t count>
const Unit* find_unit(const std::array<Unit, count>& units, std::string_view name) {
  const auto found =
      std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.name == name; });
  return found == units.end() ? nullptr : &*found;
}

// Returns the unit, in lower case, for a spelling of other programs: "mib" for "MB"; any other text in lower
// case. Sizes are powers of 1024.
std::string unit_meant(std::string_view written) {
  struct Other {
    std::string_view written;
    std::string_view ours;
  };
  constexpr auto others = std::to_array<Other>({{"kb", "kib"},
                                                {"mb", "mib"},
                                                {"gb", "gib"},
                                                {"bytes", "b"},
                                                {"sec", "s"},
                                                {"secs", "s"},
                                                {"second", "s"},
                                                {"seconds", "s"},
                                                {"min", "m"},
                                                {"mins", "m"},
                                                {"minute", "m"},
                                                {"minutes", "m"},
                                                {"hour", "h"},
                                                {"hours", "h"},
                                                {"msec", "ms"},
                                                {"millis", "ms"}});
  std::string lower = base::to_lower(written);
  for (const Other& other : others)
    if (other.written == lower) return std::string(other.ours);
  return lower;
}

// Parses a number and a unit. `largest` is the largest result that is accepted.
template <std::size_t count>
Parsed<uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, count>& units,
                                 std::string_view rule, uint64_t largest) {
  const std::size_t digits = count_digits(text);
  if (digits == 0) return complain(std::string(rule));
  std::string_view number_text = text.substr(0, digits);
  if (number_text.size() > 1 && number_text[0] == '0') {
    return complain("begins with a zero",
                    std::string(without_zeros(number_text)) + std::string(text.substr(digits)));
  }
  const Unit* unit = find_unit(units, text.substr(digits));
  if (unit == nullptr) {
    const std::string_view rest = text.substr(digits);
    const std::string_view trimmed = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
    // The error for "5 s", "5S", "5sec" and "10MB" names the right spelling.
    const std::string meant = unit_meant(trimmed);
    for (const Unit& candidate : units) {
      if (!trimmed.empty() && meant == base::to_lower(candidate.name)) {
        return complain(std::string(rule), std::string(number_text) + std::string(candidate.name));
      }
    }
    return complain(std::string(rule));
  }
  const std::optional<uint64_t> number = base::parse_decimal(number_text);
  if (!number || *number > largest / unit->factor) return complain("is too large");
  return *number * unit->factor;
}

bool is_name_letter(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         letter == '.' || letter == '_' || letter == '-';
}

// Fields that an operator must not set, and why.
struct Reserved {
  std::string_view name;
  std::string_view why;
};

constexpr std::string_view hop_by_hop = "is a hop-by-hop field, which belongs to one connection";
constexpr std::string_view framing = "says where the message goes or how its body is read";
constexpr std::string_view ours = "is set by the gateway itself";
constexpr std::string_view credential = "carries credentials of the client";

constexpr auto reserved_fields = std::to_array<Reserved>({
    {"connection", hop_by_hop},
    {"keep-alive", hop_by_hop},
    {"proxy-connection", hop_by_hop},
    {"proxy-authenticate", hop_by_hop},
    {"proxy-authorization", hop_by_hop},
    {"te", hop_by_hop},
    {"trailer", hop_by_hop},
    {"transfer-encoding", hop_by_hop},
    {"upgrade", hop_by_hop},
    {"http2-settings", hop_by_hop},
    {"host", framing},
    {"content-length", framing},
    {"content-type", framing},
    {"content-encoding", framing},
    {"content-range", framing},
    {"expect", framing},
    {"range", framing},
    {"authorization", credential},
    {"cookie", credential},
    {"origin", "is what origin lists are checked against"},
    {"forwarded", ours},
    {"via", ours},
    {"x-forwarded-for", ours},
    {"x-forwarded-proto", ours},
    {"x-forwarded-host", ours},
    {"x-forwarded-port", ours},
});

// Fields that no rule may change, on requests or on responses.
constexpr auto untouchable_fields =
    std::to_array<std::string_view>({"content-length", "content-encoding", "content-range", "expect"});

Parsed<std::string> parse_ruled_field(std::string_view text) {
  Parsed<std::string> name = parse_header_name(text);
  if (!name) return name;
  const std::string lower = base::to_lower(text);
  for (const Reserved& reserved : reserved_fields)
    if (lower == reserved.name && reserved.why == hop_by_hop) return complain(std::string(reserved.why));
  for (std::string_view untouchable : untouchable_fields)
    if (lower == untouchable) return complain(std::string(framing));
  if (lower.starts_with("sec-websocket-")) return complain("belongs to the WebSocket handshake");
  return name;
}

}  // namespace

namespace {

// Parses durations in the syntax of other programs, in milliseconds: "1m30s", "1.5s", "1d".
std::optional<uint64_t> foreign_duration(std::string_view text) {
  constexpr auto units =
      std::to_array<Unit>({{"ms", 1}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}});
  constexpr std::size_t longest = 16;
  if (text.empty() || text.size() > longest) return std::nullopt;
  uint64_t sum = 0;
  while (!text.empty()) {
    const std::optional<uint64_t> whole = base::parse_decimal(text.substr(0, count_digits(text)));
    if (!whole || *whole > 1'000'000) return std::nullopt;
    text.remove_prefix(count_digits(text));
    uint64_t tenths = 0;
    if (text.starts_with('.') && count_digits(text.substr(1)) == 1) {
      tenths = static_cast<uint64_t>(text[1] - '0');
      text.remove_prefix(2);
    }
    const auto unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& one) { return text.starts_with(one.name); });
    if (unit == units.end() || tenths * unit->factor % 10 != 0) return std::nullopt;
    sum += *whole * unit->factor + tenths * unit->factor / 10;
    text.remove_prefix(unit->name.size());
  }
  return sum;
}

}  // namespace

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (!text.empty() && count_digits(text) == text.size()) {
    return complain("has no unit; write 500ms, 5s, 2m or 1h");
  }
  constexpr uint64_t largest = std::numeric_limits<int64_t>::max() / 1'000'000;  // also fits nanoseconds
  const Parsed<uint64_t> parsed = parse_with_unit(text, duration_units, duration_rule, largest);
  if (!parsed) {
    Complaint complaint = parsed.error();
    const auto meant = complaint.better.empty() ? foreign_duration(text) : std::nullopt;
    if (meant) complaint.better = to_text(std::chrono::milliseconds(static_cast<int64_t>(*meant)));
    return tl::unexpected<Complaint>(std::move(complaint));
  }
  return std::chrono::milliseconds(static_cast<int64_t>(*parsed));
}

Parsed<uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, size_units, size_rule, std::numeric_limits<int64_t>::max());
}

Parsed<uint64_t> parse_number(std::string_view text) {
  if (text.empty() || count_digits(text) != text.size()) {
    return complain("is not a number (write decimal digits and nothing else)");
  }
  if (text.size() > 1 && text[0] == '0') {
    return complain("begins with a zero", std::string(without_zeros(text)));
  }
  const std::optional<uint64_t> number = base::parse_decimal(text);
  if (!number) return complain("is too large");
  return *number;
}

namespace {

Parsed<Rate> parse_rate_of(std::string_view what, std::string_view text) {
  constexpr uint64_t most = 1'000'000;
  const size_t slash = text.find('/');
  const std::string_view unit = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  const Parsed<uint64_t> count = parse_number(text.substr(0, slash));
  if (!count) return complain("is not a rate (write 100/s, 10/m or 1000/h)");
  Rate rate{static_cast<uint32_t>(std::min(*count, most + 1)), std::chrono::seconds(0)};
  if (unit == "s") rate.per = std::chrono::seconds(1);
  if (unit == "m") rate.per = std::chrono::minutes(1);
  if (unit == "h") rate.per = std::chrono::hours(1);
  if (rate.per.count() == 0) return complain("does not say for which time (write 100/s, 10/m or 1000/h)");
  if (*count == 0 || *count > most) return complain("is out of range: 1 to 1000000 " + std::string(what));
  return rate;
}

}  // namespace

Parsed<Rate> parse_rate(std::string_view text) { return parse_rate_of("requests", text); }
Parsed<Rate> parse_message_rate(std::string_view text) { return parse_rate_of("messages", text); }
Parsed<Rate> parse_socket_rate(std::string_view text) { return parse_rate_of("sockets", text); }

Parsed<uint64_t> parse_byte_rate(std::string_view text) {
  if (!text.ends_with("/s")) return complain("is not for a second (write 240B/s, or none)");
  const Parsed<uint64_t> size = parse_size(text.substr(0, text.size() - 2));
  if (!size) return complain("is not a number of bytes in a second (write 240B/s, or none)");
  constexpr uint64_t most = uint64_t{1} << 30;
  if (*size == 0 || *size > most) return complain("is out of range: 1B/s to 1GiB/s");
  return *size;
}

Parsed<uint32_t> parse_percentage(std::string_view text) {
  const std::string_view digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
  const Parsed<uint64_t> number = parse_number(digits);
  if (!number) return complain("is not a percentage (write 20%)");
  if (digits == text) return complain("has no percent sign", std::string(digits) + '%');
  if (*number > 100) return complain("is more than 100%");
  return static_cast<uint32_t>(*number);
}

Parsed<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const std::string lower = base::to_lower(text);
  const std::string rule = "is neither true nor false";
  if (lower == "yes" || lower == "on" || lower == "true" || lower == "1" || lower == "y") {
    return complain(rule, "true");
  }
  if (lower == "no" || lower == "off" || lower == "false" || lower == "0" || lower == "n") {
    return complain(rule, "false");
  }
  return complain(rule);
}

Parsed<uint16_t> parse_port(std::string_view text, bool allow_zero) {
  const std::string rule = allow_zero ? "has no port from 0 to 65535" : "has no port from 1 to 65535";
  const Parsed<uint64_t> number = parse_number(text);
  if (!number || *number > 65'535 || (*number == 0 && !allow_zero)) return complain(rule);
  return static_cast<uint16_t>(*number);
}

Parsed<std::string> parse_method(std::string_view text) {
  if (text == "*") return complain("is not a method; leave methods out to take any");
  if (!base::is_token(text)) return complain("is not a method (letters, digits and !#$%&'*+-.^_`|~)");
  if (text.size() > http::method_size_max) return complain("is not a method: it is longer than 64 bytes");
  std::string upper = to_upper(text);
  if (upper == "CONNECT")
    return complain("is not a method of a route: the gateway is no forward proxy, and never serves it");
  // Methods are case-sensitive. An unknown method may have any spelling, but a known one in lower case is a
  // mistake.
  const bool misspelt = upper != text && http::method_of(upper) != http::Method::other;
  if (misspelt) return complain("is not a method: methods are in upper case", std::move(upper));
  return std::string(text);
}

Parsed<std::string> parse_header_name(std::string_view text) {
  if (text == "*") return complain("is not taken as a header name; name the headers one by one");
  if (!base::is_token(text)) return complain("is not a header name (letters, digits and !#$%&'*+-.^_`|~)");
  return std::string(text);
}

Parsed<std::string> parse_cookie_name(std::string_view text) {
  if (!base::is_token(text)) return complain("is not a cookie name (letters, digits and !#$%&'*+-.^_`|~)");
  return std::string(text);
}

Parsed<std::string> parse_settable_header(std::string_view text) {
  Parsed<std::string> name = parse_header_name(text);
  if (!name) return name;
  const std::string lower = base::to_lower(text);
  for (const Reserved& reserved : reserved_fields) {
    if (lower == reserved.name) return complain(std::string(reserved.why) + "; choose another field");
  }
  if (lower.starts_with("sec-") || lower.starts_with("proxy-")) {
    return complain("has a reserved prefix; choose another field");
  }
  return name;
}

Parsed<std::string> parse_request_field(std::string_view text) {
  if (base::equal_ignoring_case(text, "host"))
    return complain("says where the message goes; see host beside the rules");
  return parse_ruled_field(text);
}

Parsed<std::string> parse_response_field(std::string_view text) { return parse_ruled_field(text); }

Parsed<std::string> parse_field_value(std::string_view text) {
  if (std::any_of(text.begin(), text.end(),
                  [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }))
    return complain("has a control character, which no field may hold");
  if (base::trim(text) != text)
    return complain("begins or ends with white space, which no field keeps", std::string(base::trim(text)));
  return std::string(text);
}

Parsed<std::string> parse_name(std::string_view text) {
  if (text.empty() || text.size() > 64 || !std::all_of(text.begin(), text.end(), is_name_letter)) {
    return complain("is not a name (letters, digits, \".\", \"_\" and \"-\", at most 64)");
  }
  return std::string(text);
}

std::string to_text(std::chrono::milliseconds duration) {
  const int64_t count = duration.count();
  if (count != 0 && count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count != 0 && count % 60'000 == 0 && count / 60'000 < 60 && count >= 120'000) {
    return std::to_string(count / 60'000) + "m";
  }
  if (count % 1000 == 0) return std::to_string(count / 1000) + "s";
  return std::to_string(count) + "ms";
}

const std::vector<std::string_view>& token_algorithms() {
  static const std::vector<std::string_view> names = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                                      "RS512", "PS256", "PS384", "PS512", "ES256",
                                                      "ES384", "ES512", "EdDSA"};
  return names;
}

}  // namespace postern::config
