#include "telemetry/finding.h"

#include <array>

namespace postern::telemetry {
namespace {

constexpr auto table = std::to_array<DeviationRow>({
    {Deviation::both_lengths,
     EndpointCount::both_lengths,
     {"both_lengths",
      "The endpoint's response has both Content-Length and Transfer-Encoding: chunked; it was sent on by its "
      "chunks, without the length.",
      "Let the backend, or what stands in front of it, send one of the two fields only."}},
    {Deviation::repeated_length,
     EndpointCount::repeated_length,
     {"repeated_length", "The endpoint's response says the same Content-Length more than once.",
      "Let the backend send Content-Length once; two parts of it may both add the field."}},
    {Deviation::repeated_chunked,
     EndpointCount::repeated_chunked,
     {"repeated_chunked", "The endpoint's response says Transfer-Encoding: chunked more than once.",
      "Let the backend leave Transfer-Encoding to its server; a copied field of another response is usual."}},
    {Deviation::chunked_in_http_1_0,
     EndpointCount::chunked_in_http_1_0,
     {"chunked_in_http_1_0", "The endpoint answers with HTTP/1.0 and Transfer-Encoding: chunked.",
      "Let the backend answer with HTTP/1.1, which has chunks."}},
    {Deviation::line_feed,
     EndpointCount::line_feed,
     {"line_feed", "Lines of the endpoint's response end in LF instead of CRLF.",
      "Let the backend end each line of the head and of the chunks with CRLF; a script that prints its own "
      "head is usual."}},
    {Deviation::folded_field,
     EndpointCount::folded_field,
     {"folded_field", "The value of a field of the endpoint's response goes on in the next line (obs-fold).",
      "Let the backend write each field in one line; a line break in a value is usual."}},
    {Deviation::space_before_colon,
     EndpointCount::space_before_colon,
     {"space_before_colon",
      "A field of the endpoint's response has white space between its name and the colon.",
      "Let the backend write the colon right behind the name."}},
    {Deviation::padded_chunk_size,
     EndpointCount::padded_chunk_size,
     {"padded_chunk_size", "The size of a chunk of the endpoint's response has white space behind it.",
      "Let the backend end the line of a chunk's size with CRLF right behind the digits."}},
});

constexpr bool in_order() {
  for (size_t i = 0; i < table.size(); ++i)
    if (static_cast<size_t>(table[i].deviation) != i) return false;
  return table.size() == static_cast<size_t>(deviation_count);
}
static_assert(in_order());

}  // namespace

std::span<const DeviationRow> deviation_rows() { return table; }

}  // namespace postern::telemetry
