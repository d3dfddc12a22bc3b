// Responses have one reading: it does not depend on how the bytes were cut, a cut message is never taken for
// a whole one, and what must not have a body has none. The first byte says which requests are answered.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"
#include "base/error.h"
#include "support/parsed_messages.h"
#include "support/random_cuts.h"

using postern::base::Cause;
using postern::base::check;
using postern::support::Parsed;
using postern::support::ParsedMessage;
using postern::support::ResponseReading;
namespace base = postern::base;
namespace http = postern::http;

namespace {

bool too_large(const Parsed& parsed) { return parsed.fault && parsed.fault->cause == Cause::head_too_large; }

void check_same(const Parsed& whole, const Parsed& cut) {
  check(whole.messages == cut.messages, "the messages do not depend on the cuts");
  check(whole.refused() == cut.refused(), "the refusal does not depend on the cuts");
  check(whole.rest == cut.rest || whole.refused(), "what is left does not depend on the cuts");
  if (whole.refused() && !too_large(whole) && !too_large(cut))
    check(whole.fault->cause == cut.fault->cause && whole.fault->detail == cut.fault->detail,
          "the reason does not depend on the cuts");
}

void check_rules(const ParsedMessage& response, bool answers_head) {
  check(response.status >= 100 && response.status <= 999, "a status has three digits");
  for (const char c : response.reason) check(c != '\r' && c != '\n' && c != '\0', "a reason is one line");
  size_t framing_fields = 0;
  for (const auto& [name, value] : response.fields) {
    check(base::is_token(name), "a field's name is a token");
    for (const char c : value)
      check((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t',
            "a value has no control characters");
    if (base::equal_ignoring_case(name, "content-length") ||
        base::equal_ignoring_case(name, "transfer-encoding"))
      ++framing_fields;
  }
  check(framing_fields <= 1, "the framing is said once");
  if (response.status < 200 || response.status == 204 || response.status == 304 || answers_head)
    check(response.body.empty(), "what must not have a body has none");
  else if (response.body_kind == http::BodyKind::length)
    check(response.complete ? response.body.size() == response.content_length
                            : response.body.size() <= response.content_length,
          "a body has its length");
  if (response.body_kind == http::BodyKind::until_close && !response.body.empty())
    check(!response.keep_alive, "a body that lasts until the end is the last one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  ResponseReading reading;
  reading.limits = {.head_size = 1024, .target_size = 256, .fields = 12, .trailer_size = 128};
  const bool head_first = (data[0] & 1) != 0;
  if (head_first) reading.methods = {http::Method::head, http::Method::get};
  reading.at_end = (data[0] & 2) == 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const Parsed whole = postern::support::parse_responses({text}, reading);
  check_same(whole, postern::support::parse_responses(postern::support::cut_into_bytes(text), reading));
  const size_t middle = text.size() / 2;
  check_same(whole,
             postern::support::parse_responses({text.substr(0, middle), text.substr(middle)}, reading));
  bool first_final = true;
  for (const ParsedMessage& response : whole.messages) {
    check_rules(response, head_first && first_final);
    if (response.status >= 200) first_final = false;
  }
  return 0;
}
