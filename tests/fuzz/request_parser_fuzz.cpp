// Requests have one reading: it does not depend on how the bytes were cut, what was accepted keeps the rules,
// and what the gateway would send on is read by it in the same way.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"
#include "base/error.h"
#include "support/parsed_messages.h"
#include "support/random_cuts.h"
#include "support/rewritten.h"

using postern::base::Cause;
using postern::base::check;
using postern::support::Parsed;
using postern::support::ParsedMessage;
namespace base = postern::base;
namespace http = postern::http;
namespace http1 = postern::http1;

namespace {

// Small, so that short inputs reach them.
constexpr http::MessageLimits limits{
    .head_size = 1024, .target_size = 256, .fields = 12, .trailer_size = 128};

bool too_large(const Parsed& parsed) {
  return parsed.fault &&
         (parsed.fault->cause == Cause::head_too_large || parsed.fault->cause == Cause::target_too_long);
}

void check_same(const Parsed& whole, const Parsed& cut) {
  check(whole.messages == cut.messages, "the messages do not depend on the cuts");
  check(whole.refused() == cut.refused(), "the refusal does not depend on the cuts");
  check(whole.rest == cut.rest || whole.refused(), "what is left does not depend on the cuts");
  // Of two faults in one head, a limit is seen earlier or later.
  if (whole.refused() && !too_large(whole) && !too_large(cut))
    check(whole.fault->cause == cut.fault->cause && whole.fault->detail == cut.fault->detail,
          "the reason does not depend on the cuts");
}

void check_rules(const ParsedMessage& request) {
  check(base::is_token(request.method), "a method is a token");
  check(request.target.starts_with('/') || (request.target == "*" && request.method == "OPTIONS"),
        "a target is a path");
  check(request.target.size() <= limits.target_size && request.fields.size() <= limits.fields, "limits hold");
  check(!request.authority.empty() || request.version == http::Version::http1_0, "a request has a host");
  size_t framing_fields = 0;
  for (const auto& [name, value] : request.fields) {
    check(base::is_token(name), "a field's name is a token");
    for (const char c : value)
      check((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t',
            "a value has no control characters");
    if (base::equal_ignoring_case(name, "content-length") ||
        base::equal_ignoring_case(name, "transfer-encoding"))
      ++framing_fields;
  }
  check(framing_fields <= 1, "the framing is said once");
  switch (request.body_kind) {
    case http::BodyKind::none: check(request.body.empty(), "no body, no bytes"); break;
    case http::BodyKind::length:
      check(request.complete ? request.body.size() == request.content_length
                             : request.body.size() <= request.content_length,
            "a body has its length");
      break;
    case http::BodyKind::chunked: break;
    case http::BodyKind::until_close: check(false, "a request does not last until the end"); break;
  }
}

// Writes the request as for an endpoint, and reads it again.
void check_rewritten(const ParsedMessage& request) {
  if (request.authority.empty() || !request.complete) return;
  const std::string bytes = postern::support::rewritten(request);
  const Parsed again = postern::support::parse_requests({bytes});
  check(!again.refused() && again.messages.size() == 1, "what is sent on is one request");
  const ParsedMessage& read = again.messages[0];
  check(read.method == request.method && read.target == request.target &&
            read.authority == request.authority && read.body == request.body &&
            read.body_kind == request.body_kind && read.complete,
        "what is sent on is what was read");
  check((read.upgrade == http::Upgrade::websocket) == (request.upgrade == http::Upgrade::websocket),
        "an upgrade is sent on when it was asked for, and only then");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Parsed whole = postern::support::parse_requests({text}, limits);
  check_same(whole, postern::support::parse_requests(postern::support::cut_into_bytes(text), limits));
  const size_t middle = size / 2;
  check_same(whole, postern::support::parse_requests({text.substr(0, middle), text.substr(middle)}, limits));
  for (const ParsedMessage& request : whole.messages) {
    check_rules(request);
    check_rewritten(request);
  }
  return 0;
}
