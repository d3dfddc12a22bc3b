#include "http/target.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/ascii.h"
#include "base/ip_address.h"
#include "http/escapes.h"

namespace postern::http {
namespace {

using Sentence = std::string_view;
using Failure = tl::unexpected<Sentence>;

// The classes of bytes in the scan of a path; `plain` bytes need no further check.
enum class PathByte : uint8_t {
  plain,
  slash,
  dot,
  question,
  percent,  // from here on: makes a path odd
  backslash,
  semicolon,
  high,     // from here on: must be escaped in a normalised path
  other,    //
  control,  // from here on: is refused
  hash
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

bool is_unreserved(int byte) {  // RFC 3986 2.3
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

enum class Rules : uint8_t { lenient, strict };

// Returns a sentence for a byte that no path may contain, even escaped; empty for other bytes.
Sentence forbidden_escape(int byte) {
  if (byte == 0) return "the path has an escaped NUL (%00)";
  if ((byte > 0 && byte < 0x20) || byte == 0x7f) return "the path has an escaped control character";
  return {};
}

// Appends `path` to `decoded` with the unreserved escapes decoded, the others in upper case (RFC 3986 6.2.2),
// and with escapes for the bytes that need one.
tl::expected<void, Sentence> decode_unreserved(std::string_view path, Rules rules, std::string& decoded) {
  for (size_t i = 0; i < path.size(); ++i) {
    const PathByte kind = path_byte(path[i]);
    if (kind == PathByte::backslash) return Failure(refused(kind));
    if (kind >= PathByte::high) {
      append_escape(path[i], decoded);
      continue;
    }
    if (kind != PathByte::percent) {
      decoded += path[i];
      continue;
    }
    const int byte = escaped_byte(path, i);
    if (byte < 0) {
      if (rules == Rules::strict) return Failure("the path has a broken escape");
      decoded += "%25";
      continue;
    }
    if (byte == '/') return Failure("the path has an escaped slash (%2f)");
    if (byte == '\\') return Failure("the path has an escaped backslash (%5c)");
    if (const Sentence sentence = forbidden_escape(byte); !sentence.empty()) return Failure(sentence);
    if (is_unreserved(byte))
      decoded += static_cast<char>(byte);
    else
      append_escape(static_cast<char>(byte), decoded);
    i += 2;
  }
  for (size_t i = decoded.find('%'); i != decoded.npos; i = decoded.find('%', i + 1))
    if (is_overlong(decoded, i, escaped_byte(decoded, i)))
      return Failure("the path has an overlong UTF-8 sequence");
  return {};
}

struct Oddities {
  bool dot_segments = false;
  bool dots_with_parameter = false;             // "..;x", which some readers treat as ".."
  bool empty_segments = false;                  // "//"; a slash at the end makes none
  size_t first_climb = std::string_view::npos;  // position of the first ".."
};

Oddities oddities_of(std::string_view path) {
  Oddities found;
  for (size_t start = 1; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    if (segment == "." || segment == "..") found.dot_segments = true;
    const std::string_view name = segment.substr(0, segment.find(';'));
    if (name.size() < segment.size() && (name == "." || name == "..")) found.dots_with_parameter = true;
    if (segment == "..") found.first_climb = std::min(found.first_climb, start);
    if (segment.empty() && end < path.size()) found.empty_segments = true;
    start = end + 1;
  }
  return found;
}

// Removes dot segments as in RFC 3986 5.2.4, but refuses a step above the root instead of dropping it.
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

// Normalises a path in which the first scan found something to change. On failure the content of `path_text`
// is unspecified.
tl::expected<void, Sentence> normalise(std::string_view path, Rules rules, Target& target) {
  std::string& text = target.path_text;
  text.reserve(path.size());
  if (auto decoded = decode_unreserved(path, rules, text); !decoded) return decoded;
  const Oddities odd = oddities_of(text);
  if (odd.dots_with_parameter) return Failure("the path has a dot segment with a parameter (\"..;\")");
  if (odd.dot_segments) {
    if (odd.empty_segments) return Failure("the path has dot segments and an empty segment");
    auto resolved = resolve_dots(text);
    if (!resolved) return Failure(resolved.error());
    if (odd.first_climb != text.npos) target.climbed_from = text.substr(0, odd.first_climb);
    text = std::move(*resolved);
  }
  if (odd.empty_segments) merge_slashes(text);
  if (text == path)
    text.clear();  // the path was in normal form after all
  else
    target.path = text;
  return {};
}

// Sets the `path` of a target without a normal form, for code that only writes it, as logs do.
void write_irregular(std::string_view path, Target& target) {
  target.path_text.clear();
  append_canonical(path.substr(std::min(path.find_first_not_of("/\\"), path.size())), target.path_text);
  target.path_text.insert(0, 1, '/');
  target.path = target.path_text;
}

tl::expected<void, Sentence> check_query(std::string_view query, Rules rules) {
  for (char c : query) {
    const PathByte kind = path_byte(c);
    if (kind >= PathByte::control || (kind == PathByte::high && rules == Rules::strict))
      return Failure(refused(kind));
  }
  return {};
}

tl::expected<void, Sentence> check_escapes(std::string_view path) {
  for (size_t i = path.find('%'); i < path.size(); i = path.find('%', i + 1)) {
    const Sentence sentence = forbidden_escape(escaped_byte(path, i));
    if (!sentence.empty()) return Failure(sentence);
  }
  return {};
}

bool is_host_char(char c) {
  return is_unreserved(static_cast<unsigned char>(c));  // real names have no escapes, no sub-delimiters
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

tl::expected<void, Sentence> read(std::string_view text, Rules rules, Target& target) {
  target.path_text.clear();
  target.climbed_from.clear();
  target.query = {};
  target.irregular = {};
  target.has_query = false;
  target.odd = false;
  target.as_it_came = rules == Rules::lenient;
  target.path = target.raw_path = text;
  if (text == "*") return {};
  if (text.empty() || text.front() != '/') return Failure("the target does not start with \"/\"");

  bool dots = false;  // possibly dot segments or empty segments; normalise() decides
  bool after_slash = false;
  size_t end = 0;
  for (; end < text.size(); ++end) {
    const PathByte kind = path_byte(text[end]);
    if (kind == PathByte::plain) {
      after_slash = false;
    } else if (kind <= PathByte::dot) {
      dots = dots || after_slash;  // a name that begins with a dot need not be a dot segment
      after_slash = kind == PathByte::slash;
    } else if (kind == PathByte::question) {
      break;
    } else if (kind >= PathByte::control || (kind > PathByte::percent && rules == Rules::strict)) {
      return Failure(refused(kind));
    } else {
      target.odd = true;
      after_slash = false;
    }
  }
  const std::string_view path = text.substr(0, end);
  if (end < text.size()) {
    target.has_query = true;
    target.query = text.substr(end + 1);
    auto checked = check_query(target.query, rules);
    if (!checked) return checked;
  }
  target.path = target.raw_path = path;
  if (dots && !target.odd) {
    const Oddities found = oddities_of(path);
    target.odd = found.dot_segments || found.empty_segments;
  }
  if (!target.odd) return {};
  if (rules == Rules::strict) return normalise(path, rules, target);
  if (auto checked = check_escapes(path); !checked) return checked;
  if (auto normal = normalise(path, rules, target); !normal) {
    target.irregular = normal.error();
    write_irregular(path, target);
  }
  return {};
}

}  // namespace

tl::expected<void, std::string_view> read_target(std::string_view text, Target& target) {
  return read(text, Rules::lenient, target);
}

tl::expected<void, std::string_view> read_strict_target(std::string_view text, Target& target) {
  return read(text, Rules::strict, target);
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
