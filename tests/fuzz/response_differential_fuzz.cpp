// No client reads another response than the gateway did: what it accepts from an endpoint and writes anew is
// one message to llhttp by itself and to a second reader made from RFC 9112's grammar, with the same status,
// fields and body; and where that reader takes the original bytes too, it takes them for the same. The first
// byte says which requests are answered, as in response_parser_fuzz.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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
namespace http = postern::http;
namespace support = postern::support;
namespace rfc9112 = postern::support::rfc9112;

namespace {

void check_written(const ParsedMessage& response, bool to_head) {
  const std::string bytes = support::rewritten_response(response, to_head);
  const rfc9112::Reading second = rfc9112::read_response(bytes, to_head, false);
  check(second.verdict == Verdict::whole && second.message.size == bytes.size(),
        "what is written is one message by the grammar");
  check(second.message.status == response.status && second.message.body == response.body,
        "by the grammar it is the same response");
  const support::BareReading bare = support::read_with_llhttp(bytes, HTTP_RESPONSE, to_head);
  check(bare.whole && bare.message.size == bytes.size(), "what is written is one message to llhttp");
  rfc9112::Fields fields = second.message.fields;
  fields.insert(fields.end(), second.message.trailers.begin(), second.message.trailers.end());
  check(bare.message.status == response.status && bare.message.body == response.body &&
            bare.message.fields == fields,
        "to llhttp it is the same response");
}

void check_original(std::string_view text, const Parsed& parsed, bool head_first, bool at_end) {
  if (text.starts_with("\r\n")) return;  // forgiven here, not by the grammar
  bool to_head = head_first;
  for (const ParsedMessage& response : parsed.messages) {
    if (response.status == 101) return;
    const rfc9112::Reading second = rfc9112::read_response(text, to_head, at_end);
    if (second.verdict == Verdict::wrong) return;
    check(response.complete == (second.verdict == Verdict::whole), "both find the response's end");
    if (!response.complete) return;
    check(second.message.status == response.status && second.message.body == response.body,
          "both read the same response");
    text.remove_prefix(second.message.size);
    if (text.starts_with("\r\n")) return;
    if (response.status >= 200) to_head = false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  support::ResponseReading reading;
  const bool head_first = (data[0] & 1) != 0;
  if (head_first) reading.methods = {http::Method::head, http::Method::get};
  reading.at_end = (data[0] & 2) == 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const Parsed whole = support::parse_responses({text}, reading);
  const uint32_t seed = static_cast<uint32_t>(size) << 8 | data[size - 1];
  for (const support::Pieces& pieces : {support::cut_into_bytes(text), support::cut_at_random(text, seed),
                                        support::cut_at_random(text, ~seed)})
    check(support::parse_responses(pieces, reading).messages == whole.messages,
          "every cut gives the same responses");
  bool to_head = head_first;
  for (const ParsedMessage& response : whole.messages) {
    if (response.status < 200) continue;
    if (response.complete) check_written(response, to_head);
    to_head = false;
  }
  if (!whole.refused()) check_original(text, whole, head_first, reading.at_end);
  return 0;
}
