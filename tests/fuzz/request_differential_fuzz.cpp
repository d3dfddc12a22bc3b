// Nobody behind the gateway reads another request than the gateway did. Whatever way the bytes come, what it
// accepts and writes anew is one message to llhttp by itself and to a second reader made from RFC 9112's
// grammar, with the same method, target, fields and body; and where that reader takes the original bytes too,
// it takes them for the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"
#include "support/bare_llhttp.h"
#include "support/parsed_messages.h"
#include "support/random_cuts.h"
#include "support/rewritten.h"
#include "support/rfc9112.h"

using postern::base::check;
using postern::support::Parsed;
using postern::support::ParsedMessage;
using postern::support::rfc9112::Verdict;
namespace base = postern::base;
namespace http = postern::http;
namespace support = postern::support;
namespace rfc9112 = postern::support::rfc9112;

namespace {

std::string value_of(const rfc9112::Fields& fields, std::string_view name) {
  for (const auto& [field_name, value] : fields)
    if (base::equal_ignoring_case(field_name, name)) return value;
  return {};
}

// Fields that are not about framing arrive as they were, in their order.
void check_fields(const ParsedMessage& request, const rfc9112::Fields& arrived) {
  size_t next = 0;
  for (const auto& field : request.fields) {
    const http::FieldId id = http::field_id(field.first);
    if (id == http::FieldId::host || id == http::FieldId::connection || id == http::FieldId::content_length ||
        id == http::FieldId::keep_alive || id == http::FieldId::transfer_encoding ||
        id == http::FieldId::upgrade)
      continue;
    while (next < arrived.size() && arrived[next] != field) ++next;
    check(next < arrived.size(), "every field arrives as it was");
    ++next;
  }
}

// The grammar and llhttp know no target that is not; it goes on as it came.
bool is_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

void check_written(const ParsedMessage& request) {
  const std::string bytes = support::rewritten(request);
  const rfc9112::Reading second = rfc9112::read_request(bytes);
  check(second.verdict == Verdict::whole && second.message.size == bytes.size(),
        "what is written is one message by the grammar");
  check(second.message.method == request.method && second.message.target == request.target &&
            second.message.body == request.body && second.message.trailers.empty(),
        "by the grammar it is the same request");
  check(value_of(second.message.fields, "host") == request.authority,
        "by the grammar it is for the same host");
  check_fields(request, second.message.fields);

  // llhttp knows the methods of its table only; the others stand for themselves, and frame nothing.
  std::string known = bytes;
  if (http::method_of(request.method) == http::Method::other) known.replace(0, request.method.size(), "PUT");
  const support::BareReading bare = support::read_with_llhttp(known, HTTP_REQUEST);
  check(bare.whole && bare.message.size == known.size(), "what is written is one message to llhttp");
  check(known.starts_with(bare.message.method + ' ') && bare.message.target == request.target &&
            bare.message.body == request.body && bare.message.fields == second.message.fields,
        "to llhttp it is the same request");
}

// The original bytes, read by the grammar as far as it takes them.
void check_original(std::string_view text, const Parsed& parsed) {
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  for (const ParsedMessage& request : parsed.messages) {
    if (request.upgrade != http::Upgrade::none) return;
    const rfc9112::Reading second = rfc9112::read_request(text);
    if (second.verdict == Verdict::wrong) return;  // the gateway forgives a little; it was written anew
    check(request.complete == (second.verdict == Verdict::whole), "both find the request's end");
    if (!request.complete) return;
    check(second.message.method == request.method && second.message.body == request.body,
          "both read the same request");
    text.remove_prefix(second.message.size);
    if (text.starts_with("\r\n")) text.remove_prefix(2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Parsed whole = support::parse_requests({text});
  const uint32_t seed = static_cast<uint32_t>(size) << 8 | (size > 0 ? data[size - 1] : 0u);
  for (const support::Pieces& pieces : {support::cut_into_bytes(text), support::cut_at_random(text, seed),
                                        support::cut_at_random(text, ~seed)})
    check(support::parse_requests(pieces).messages == whole.messages, "every cut gives the same requests");
  for (const ParsedMessage& request : whole.messages)
    if (request.complete && is_ascii(request.target) && !request.authority.empty()) check_written(request);
  if (!whole.refused()) check_original(text, whole);
  return 0;
}
