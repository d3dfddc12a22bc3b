#include "http/target.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/ascii.h"
#include "base/ip_address.h"

namespace postern::http {
namespace {

using Sentence = std::string_view;
using Failure = tl::unexpected<Sentence>;

// What a byte means to the scan of a path; `plain` needs no thought.
enum class PathByte : uint8_t {
  plain,
  slash,
  dot,
  percent,
  question,
  control,
  high,
  backslash,
  semicolon,
  hash,
  other
};

constexpr std::array<PathByte, 256> path_bytes() {
  std::array<PathByte, 256> table{};
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = i <= 0x20 || i == 0x7f ? PathByte::control : i >= 0x80 ? PathByte::high : PathByte::plain;
  for (char c : std::string_view("<>\"{}|^`")) table[static_cast<unsigned char>(c)] = PathByte::other;
  table['/'] = PathByte::slash;
  table['.'] = PathByte::dot;
  table['%'] = PathByte::percent;
  table['?'] = PathByte::question;
  table['\\'] = PathByte::backslash;
  table[';'] = PathByte::semicolon;
  table['#'] = PathByte::hash;
  return table;
}
constexpr auto path_table = path_bytes();

PathByte path_byte(char c) { return path_table[static_cast<unsigned char>(c)]; }

Sentence refused(PathByte kind) {
  switch (kind) {
    case PathByte::control: return "the target has a control character or a space";
    case PathByte::high: return "the target has a byte outside ASCII";
    case PathByte::backslash: return "the path has a backslash";
    case PathByte::semicolon: return "the path has a \";\"";
    case PathByte::hash: return "the target has a \"#\"";
    default: return "the path has a character that must be escaped (one of <>\"{}|^`)";
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = base::lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// The byte that the escape at `position` stands for; -1 when it is broken.
int escaped_byte(std::string_view text, size_t position) {
  if (text.size() - position < 3) return -1;
  const int high = hex_digit(text[position + 1]);
  const int low = hex_digit(text[position + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_unreserved(int byte) {  // RFC 3986 2.3
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

// Whether the escape at `position`, which stands for `byte`, begins an overlong form of a shorter UTF-8
// sequence: some readers take "%c0%af" for a slash.
bool is_overlong(std::string_view path, size_t position, int byte) {
  if (byte < 0xc0 || position + 3 >= path.size() || path[position + 3] != '%') return false;
  const int second = escaped_byte(path, position + 3);
  if (second < 0x80 || second > 0xbf) return false;
  return byte < 0xc2 || (byte == 0xe0 && second < 0xa0) || (byte == 0xf0 && second < 0x90);
}

char upper_hex(char c) { return c >= 'a' ? static_cast<char>(c & ~0x20) : c; }

// Appends `path` to `decoded` with the unreserved escapes decoded and the others in capitals (RFC
// 3986 6.2.2).
tl::expected<void, Sentence> decode_unreserved(std::string_view path, std::string& decoded) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      decoded += path[i];
      continue;
    }
    const int byte = escaped_byte(path, i);
    if (byte < 0) return Failure("the path has a broken escape");
    if (byte == '/') return Failure("the path has an escaped slash (%2f)");
    if (byte == '\\') return Failure("the path has an escaped backslash (%5c)");
    if (byte == 0) return Failure("the path has an escaped NUL (%00)");
    if (byte < 0x20 || byte == 0x7f) return Failure("the path has an escaped control character");
    if (is_overlong(path, i, byte)) return Failure("the path has an overlong UTF-8 sequence");
    if (is_unreserved(byte))
      decoded += static_cast<char>(byte);
    else
      decoded.append({'%', upper_hex(path[i + 1]), upper_hex(path[i + 2])});
    i += 2;
  }
  return {};
}

struct Oddities {
  bool dot_segments = false;
  bool empty_segments = false;                  // "//"; a slash at the end makes none
  size_t first_climb = std::string_view::npos;  // where the first ".." stands
};

Oddities oddities_of(std::string_view path) {
  Oddities found;
  for (size_t start = 1; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    if (segment == "." || segment == "..") found.dot_segments = true;
    if (segment == "..") found.first_climb = std::min(found.first_climb, start);
    if (segment.empty() && end < path.size()) found.empty_segments = true;
    start = end + 1;
  }
  return found;
}

// RFC 3986 5.2.4, but a step above the root is refused instead of being dropped.
tl::expected<std::string, Sentence> resolve_dots(std::string_view path) {
  std::string resolved;
  resolved.reserve(path.size());
  for (size_t start = 1; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    const bool last = end == path.size();
    if (segment == "..") {
      if (resolved.empty()) return Failure("the path goes above the root");
      resolved.resize(resolved.rfind('/'));
    }
    if (segment != "." && segment != "..")
      resolved.append("/").append(segment);
    else if (last)
      resolved += '/';
    start = end + 1;
  }
  return resolved;
}

void merge_slashes(std::string& path) {
  path.erase(std::unique(path.begin(), path.end(), [](char a, char b) { return a == '/' && b == '/'; }),
             path.end());
}

// The rest of read_target for a path with something in it that the first scan stopped at.
tl::expected<void, Sentence> normalise(std::string_view path, Target& target) {
  std::string& text = target.path_text;
  if (path.find('%') != path.npos) {
    if (auto decoded = decode_unreserved(path, text); !decoded) return decoded;
  } else {
    text = path;
  }
  const Oddities odd = oddities_of(text);
  if (odd.dot_segments) {
    if (odd.empty_segments) return Failure("the path has dot segments and an empty segment");
    auto resolved = resolve_dots(text);
    if (!resolved) return Failure(resolved.error());
    if (odd.first_climb != text.npos) target.climbed_from = text.substr(0, odd.first_climb);
    text = std::move(*resolved);
  }
  if (odd.empty_segments) merge_slashes(text);
  if (text == path)
    text.clear();  // nothing was odd after all
  else
    target.path = text;
  return {};
}

tl::expected<void, Sentence> check_query(std::string_view query) {
  for (char c : query) {
    const PathByte kind = path_byte(c);
    if (kind == PathByte::control || kind == PathByte::high || kind == PathByte::hash)
      return Failure(refused(kind));
  }
  return {};
}

bool is_host_char(char c) {
  return is_unreserved(static_cast<unsigned char>(c));  // no escapes and no sub-delimiters: no name has them
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 255 || host.front() == '.') return false;
  char previous = 0;
  for (char c : host) {
    if (!is_host_char(c) || (c == '.' && previous == '.')) return false;
    previous = c;
  }
  return true;
}

bool is_port(std::string_view port) {
  if (port.empty()) return true;  // "host:" is allowed, RFC 3986 3.2.3
  const std::optional<uint64_t> number = base::parse_decimal(port);
  return number && *number <= 65535 && port.size() <= 5;
}

bool names_contain(const std::vector<std::string>& names, std::string_view name) {
  for (const std::string& candidate : names)
    if (base::equal_ignoring_case(candidate, name)) return true;
  return false;
}

// Of "tk", "%74k" and "tk[]", which many backends read as the same name: "tk".
std::string parameter_name(std::string_view written) {
  std::string name = decode_query_value(written);
  return name.substr(0, name.find('['));
}

}  // namespace

tl::expected<void, std::string_view> read_target(std::string_view text, Target& target) {
  target.path_text.clear();
  target.climbed_from.clear();
  target.query = {};
  target.has_query = false;
  target.path = text;
  if (text == "*") return {};
  if (text.empty() || text.front() != '/') return Failure("the target does not start with \"/\"");

  bool clean = true;
  bool after_slash = false;
  size_t end = 0;
  for (; end < text.size(); ++end) {
    const PathByte kind = path_byte(text[end]);
    if (kind == PathByte::plain) {
      after_slash = false;
      continue;
    }
    if (kind == PathByte::question) break;
    if (kind > PathByte::question) return Failure(refused(kind));
    // A name may begin with a dot and be no dot segment; the slow path looks closer, and copies only then.
    if (kind == PathByte::percent || after_slash) clean = false;
    after_slash = kind == PathByte::slash;
  }
  const std::string_view path = text.substr(0, end);
  if (end < text.size()) {
    target.has_query = true;
    target.query = text.substr(end + 1);
    auto checked = check_query(target.query);
    if (!checked) return checked;
  }
  target.path = path;
  return clean ? tl::expected<void, std::string_view>() : normalise(path, target);
}

tl::expected<Authority, std::string_view> read_authority(std::string_view text) {
  Authority authority;
  if (text.empty()) return Failure("the host is empty");
  if (text.front() == '[') {
    const size_t close = text.find(']');
    if (close == text.npos) return Failure("the host has \"[\" without \"]\"");
    authority.host = text.substr(1, close - 1);
    const std::optional<base::IpAddress> address = base::IpAddress::parse(authority.host);
    if (!address || authority.host.find(':') == authority.host.npos)
      return Failure("the host in brackets is not an IPv6 address");
    text.remove_prefix(close + 1);
    if (!text.empty() && text.front() != ':') return Failure("the host has text after \"]\"");
    authority.port = text.empty() ? text : text.substr(1);
  } else {
    const size_t colon = text.find(':');
    authority.host = text.substr(0, colon);
    if (colon != text.npos) authority.port = text.substr(colon + 1);
    if (!is_host_name(authority.host)) return Failure("the host is not a name or an address");
  }
  if (!is_port(authority.port)) return Failure("the host's port is not a number up to 65535");
  return authority;
}

std::string_view query_parameter(std::string_view query, std::string_view name) {
  for (size_t start = 0; start < query.size();) {
    const size_t end = std::min(query.find('&', start), query.size());
    const std::string_view pair = query.substr(start, end - start);
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
    start = end + 1;
  }
  return {};
}

size_t count_query_parameter(std::string_view query, std::string_view name) {
  size_t count = 0;
  for (size_t start = 0; start < query.size();) {
    const size_t end = std::min(query.find_first_of("&;", start), query.size());
    const std::string_view written = query.substr(start, std::min(query.find('=', start), end) - start);
    if (written == name || (written.find('%') != written.npos && decode_query_value(written) == name))
      ++count;
    start = end + 1;
  }
  return count;
}

std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  for (size_t start = 0; start < cookies.size();) {
    const size_t end = std::min(cookies.find(';', start), cookies.size());
    const std::string_view pair = base::trim(cookies.substr(start, end - start));
    const size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
    start = end + 1;
  }
  return {};
}

std::string redact_target(std::string_view target, const std::vector<std::string>& names) {
  size_t position = std::min(target.find('?'), target.size());
  std::string redacted(target.substr(0, position));
  while (position < target.size()) {
    redacted += target[position++];  // "?", "&", or the ";" that some backends take for "&"
    const std::string_view rest = target.substr(position);
    const size_t name_end = std::min(rest.find_first_of("=&;"), rest.size());
    const bool has_value = name_end < rest.size() && rest[name_end] == '=';
    if (has_value && names_contain(names, parameter_name(rest.substr(0, name_end)))) {
      redacted.append(rest.substr(0, name_end + 1)).append("***");
      position += std::min(rest.find('&'), rest.size());
    } else {
      const size_t pair_end = std::min(rest.find_first_of("&;"), rest.size());
      redacted.append(rest.substr(0, pair_end));
      position += pair_end;
    }
  }
  return redacted;
}

std::string decode_query_value(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? escaped_byte(text, i) : -1;
    if (byte >= 0) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace postern::http
