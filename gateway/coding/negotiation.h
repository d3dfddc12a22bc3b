// The coding module applies content codings to response bodies. It knows Accept-Encoding, which responses may
// be encoded, and the compressors; it provides a decision, an encoder and a pump through it. It must not know
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

// The compression rules of a route; immutable.
struct Rules {
  std::vector<Coding> algorithms{Coding::zstd, Coding::brotli,
                                 Coding::gzip};      // best first, for clients that prefer none
  std::vector<std::string> types = default_types();  // lower case: "text/css", or "text/*"
  uint64_t min_size = 1024;                          // bytes
  Levels levels;

  static std::vector<std::string> default_types();
  friend bool operator==(const Rules&, const Rules&) = default;
};

// Whether `content_type` is one of `types`, ignoring its parameters and case. Never true for
// text/event-stream: each event must be visible at once, also to clients that cannot decode a partial body.
bool is_listed(const std::vector<std::string>& types, std::string_view content_type);

// The request's fields that matter, as they were before the request was rewritten.
struct Request {
  Accepted accepted;
  std::string_view if_none_match;
};

// Chooses the coding of a final response and changes the head to match: Content-Encoding, Vary, a weak ETag,
// no Content-Length, no Accept-Ranges. With identity the body is sent unchanged, but Vary is still added when
// another client would get the response encoded. `size` is the size of the body, if it is known before the
// body is read.
Coding negotiate(const Rules& rules, const Request& request, std::optional<uint64_t> size,
                 http::ResponseHead& head);

// Undoes the weakening of ETags in a request: tags in If-Match, If-None-Match and If-Range become strong, as
// the endpoint made them before negotiate() weakened them. For an endpoint whose own tags are weak this
// changes no answer: If-None-Match compares weakly, and the other two never match a weak tag (RFC 9110
// 8.8.3.2).
void restore_validators(http::RequestHead& request);

void add_vary(http::ResponseHead& head);  // adds Accept-Encoding, once

}  // namespace postern::coding
