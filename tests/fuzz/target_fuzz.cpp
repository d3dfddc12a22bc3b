// What was accepted has one reading: normalising it again changes nothing, and nothing that a prefix rule
// could be walked around with is left in it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/redaction.h"
#include "http/target.h"

using postern::base::check;
namespace http = postern::http;

namespace {

void check_clean(std::string_view path) {
  for (std::string_view wrong :
       {"/../", "/./", "//", "%2f", "%2F", "%5c", "%5C", "%00", "%2e", "%2E", "\\", ";", "#", " "})
    check(path.find(wrong) == path.npos, "a normalised path has one reading");
  check(!path.ends_with("/..") && !path.ends_with("/."), "no dot segment is left at the end");
  for (char c : path) check(c > 0x20 && c < 0x7f, "a normalised path is printable ASCII");
}

void check_target(std::string_view text) {
  http::Target target;
  if (!http::read_strict_target(text, target)) return;
  if (text == "*") return;
  check(target.path.starts_with('/'), "a path starts at the root");
  check_clean(target.path);

  const size_t question = text.find('?');
  check(target.has_query == (question != text.npos), "a query is there when there is a question mark");
  check(!target.has_query || target.query == text.substr(question + 1), "a query is never changed");

  http::Target again;
  const std::string path(target.path);
  check(http::read_strict_target(path, again).has_value(), "a normalised path is a path");
  check(again.path == path && again.path_text.empty() && !again.has_query, "normalising twice is as once");
}

// The normal form of any path that has one: what a rewriting and a folder of files go by.
void check_normal_form(std::string_view text) {
  http::Target target;
  if (!http::read_target(text, target) || text == "*") return;
  check(target.path.starts_with('/') && !target.path.starts_with("//"),
        "a path starts at the root of no host");
  for (char c : target.path) check(c > 0x20 && c < 0x7f, "what stands for a path is printable ASCII");
  if (!target.irregular.empty()) return;
  for (std::string_view wrong : {"/../", "/./", "//", "%2F", "%5C", "%00", "%2E", "\\", "#", "/..;", "/.;"})
    check(target.path.find(wrong) == target.path.npos, "a normal form has one reading");
  http::Target again;
  const std::string path(target.path);
  check(http::read_target(path, again).has_value(), "a normal form is a path");
  check(again.path == path && again.irregular.empty(), "the normal form of a normal form is itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_target(text);
  check_target("/" + std::string(text));
  check_normal_form(text);
  check_normal_form("/" + std::string(text));
  if (const auto authority = http::read_authority(text))
    check(!authority->host.empty() && authority->host.find_first_of("@, /\\") == authority->host.npos,
          "an authority is one host");
  (void)http::query_parameter(text, "token");
  (void)http::cookie_value(text, "session");
  (void)http::decode_query_value(text);
  const std::string hidden = http::redact_target("/?token=" + std::string(text), {"token"});
  check(hidden.starts_with("/?token=***"), "a named value is never shown");
  return 0;
}
