#include "http1/refused_head.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/target.h"
#include "http1/characters.h"

namespace postern::http1 {
namespace {

constexpr size_t bytes_max = 16 * 1024;
constexpr size_t fields_max = 100;

std::string_view without_user(std::string_view authority) {
  const size_t at = authority.rfind('@');
  return at == authority.npos ? authority : authority.substr(at + 1);
}

std::string_view next_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.';
}

// Whether `line` is a request line, or, if it is not `complete`, the beginning of one.
bool read_request_line(std::string_view line, bool complete, http::RequestHead& head) {
  const size_t first = line.find(' ');
  if (first == line.npos || !base::is_token(line.substr(0, first))) return false;
  std::string_view target = line.substr(first + 1);
  std::string_view version;
  if (const size_t last = target.rfind(' '); last != target.npos) {
    version = target.substr(last + 1);
    target = target.substr(0, last);
  }
  if (complete && !is_version(version)) return false;
  std::string_view authority;
  if (const size_t scheme = target.find("://"); scheme < target.find_first_of("/?")) {
    const size_t end = target.find_first_of("/?", scheme + 3);
    authority = target.substr(scheme + 3, end == target.npos ? end : end - scheme - 3);
    target = end == target.npos ? std::string_view("/") : target.substr(end);
  } else if (!target.starts_with('/') && target != "*") {
    // An authority, as in CONNECT.
    if (!http::read_authority(without_user(target))) return false;
    authority = target;
    target = without_user(target);
  }
  head.method_text = line.substr(0, first);
  head.method = http::method_of(head.method_text);
  head.target = target;
  head.authority = without_user(authority);
  if (version == "HTTP/1.0") head.version = http::Version::http1_0;
  return true;
}

void read_field(std::string_view line, http::Headers& headers) {
  const size_t colon = line.find(':');
  if (colon == line.npos || headers.size() == fields_max) return;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = base::trim(line.substr(colon + 1));
  if (base::is_token(name) && std::all_of(value.begin(), value.end(), may_be_in_value))
    headers.add(name, value);
}

}  // namespace

http::RequestHead read_refused_head(std::string_view text) {
  http::RequestHead head;
  head.bytes = base::Chunk::copy_of(text.substr(0, bytes_max));
  std::string_view rest = head.bytes.text();
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  const bool complete = rest.find('\n') != rest.npos;
  if (!read_request_line(next_line(rest), complete, head)) return {};
  while (rest.find('\n') != rest.npos) {
    const std::string_view line = next_line(rest);
    if (line.empty()) break;
    read_field(line, head.headers);
  }
  if (head.authority.empty()) head.authority = without_user(head.headers.get(http::FieldId::host));
  if (!head.authority.empty() && !http::read_authority(head.authority)) head.authority = {};
  return head;
}

}  // namespace postern::http1
