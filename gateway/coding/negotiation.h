// The coding room puts content codings on response bodies. It knows Accept-Encoding, which responses may be
// encoded, and the compressors; it gives a decision, an encoder and a pump through it; it must not know
// streams, routes or files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coding/accept_encoding.h"
#include "coding/encoder.h"
#include "http/head.h"

namespace postern::coding {

// Of a route; immutable.
struct Rules {
  std::vector<Coding> algorithms{Coding::zstd, Coding::brotli,
                                 Coding::gzip};      // best first, where clients draw
  std::vector<std::string> types = default_types();  // lower case: "text/css", or "text/*"
  uint64_t min_size = 1024;                          // bytes
  Levels levels;

  static std::vector<std::string> default_types();
};

// Is it one of `types`? Parameters of `content_type` do not count, nor does case. Never text/event-stream, of
// which each event must be seen at once by clients that may not decode piecemeal.
bool is_listed(const std::vector<std::string>& types, std::string_view content_type);

// What is said of the request, kept from before its fields were rewritten.
struct Request {
  Accepted accepted;
  std::string_view if_none_match;
};

// Chooses the coding of a final response, and amends the head to it: Content-Encoding, Vary, a weak ETag, no
// length, no Accept-Ranges. Identity: the body goes as it is; Vary is there all the same where another client
// would have got it encoded. `size` of the body, if it is known before it is read.
Coding negotiate(const Rules& rules, const Request& request, std::optional<uint64_t> size,
                 http::ResponseHead& head);

// The way back of the weak ETag: tags in If-Match, If-None-Match and If-Range become strong, as the endpoint
// made them before negotiate() weakened them. For an endpoint whose tags are weak by themselves this changes
// no answer: If-None-Match compares weakly, and the other two never take a weak tag (RFC 9110 8.8.3.2).
void restore_validators(http::RequestHead& request);

void add_vary(http::ResponseHead& head);  // Accept-Encoding, once

}  // namespace postern::coding
