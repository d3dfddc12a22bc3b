#include "http1/excerpt.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/field_id.h"

namespace postern::http1 {
namespace {

using http::FieldId;

constexpr std::string_view hidden = "***";
constexpr size_t body_limit = 4;

bool shows_value(std::string_view name) {
  switch (http::field_id(base::trim(name))) {
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::expect:
    case FieldId::host:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
  }
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\')
      out += "\\\\";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (byte >= 0x20 && byte < 0x7f)
      out += c;
    else
      out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
}

// How much of a line may be shown, and whether the rest of it may be secret.
struct Shown {
  size_t size = 0;
  bool hides = false;
};

Shown shown_of(std::string_view line, StartLine first) {
  const auto up_to = [line](size_t end) { return Shown{std::min(end, line.size()), end < line.size()}; };
  if (first == StartLine::request && line.find(" HTTP/") == line.npos) return up_to(body_limit);
  if (first != StartLine::none) return up_to(std::min(line.find('?'), line.size() - 1) + 1);
  const size_t colon = line.find(':');
  if (line.starts_with(' ') || line.starts_with('\t')) return up_to(1);  // continuation of a value
  if (colon == line.npos) return up_to(0);
  return shows_value(line.substr(0, colon)) ? Shown{line.size(), false} : up_to(colon + 1);
}

// Returns `line` without the user information of its target or of a host.
std::string without_user(std::string_view line, StartLine first) {
  size_t start = 0;
  size_t end = line.size();
  if (first == StartLine::none) {
    start = line.find(':');
  } else {
    start = line.find(' ');
    end = std::min(end, line.find('?'));
    if (start != line.npos && line.substr(start + 1).starts_with('/')) start = line.npos;  // a path
  }
  if (start == line.npos) return std::string(line);
  ++start;
  if (const size_t slashes = line.find("//", start); slashes < end) start = slashes + 2;
  const size_t at = line.substr(0, end).rfind('@');
  if (at == line.npos || at < start) return std::string(line);
  std::string shown(line.substr(0, start));
  if (first == StartLine::none) shown += ' ';
  return shown.append(hidden).append(line.substr(at));
}

}  // namespace

std::string excerpt_of_line(std::string_view head, size_t at, StartLine first) {
  if (head.empty()) return {};
  at = std::min(at, head.size() - 1);
  const size_t before = at == 0 ? head.npos : head.rfind('\n', at - 1);
  const size_t start = before == head.npos ? 0 : before + 1;
  size_t end = std::min(head.find('\n', at), head.size() - 1) + 1;
  if (end >= 2 && head.substr(end - 2, 2) == "\r\n" && at + 2 < end) end -= 2;
  if (end == start) return {};
  if (start > 0) first = StartLine::none;
  const std::string text = without_user(head.substr(start, end - start), first);
  const std::string_view line = text;

  const Shown shown = shown_of(line, first);
  const size_t size = std::min(shown.size, excerpt_limit);
  std::string excerpt;
  append_escaped(excerpt, line.substr(0, size));
  if (shown.hides)
    excerpt += hidden;
  else if (size < line.size())
    excerpt += "...";
  const char offender = head[at];
  if (at - start >= size && !base::is_token_char(offender) && offender != ' ')
    append_escaped(excerpt, {&offender, 1});
  return excerpt;
}

std::string excerpt_of_body(std::string_view bytes) {
  std::string excerpt;
  append_escaped(excerpt, bytes.substr(0, body_limit));
  return excerpt;
}

}  // namespace postern::http1
