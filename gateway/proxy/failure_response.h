// Turns the gateway's own answers into a head and a body: a LocalResponse, or an Error by way of the one
// error table.
#pragma once

#include <string>
#include <string_view>

#include "base/error_fwd.h"
#include "http/head.h"
#include "http/local_response.h"
#include "proxy/error_pages.h"

namespace postern::proxy {

// The client and the request that an answer is for.
struct AnswerFacts {
  std::string_view request_id{};
  int64_t now_unix = 0;
  const ErrorPages* pages = nullptr;           // of the operator; null if there are none
  const http::RequestHead* request = nullptr;  // as far as it was read; null if none was begun
  std::string_view host{};                     // that the client asked for
  std::string_view target{};                   // as the client sent it
};

// Fills `head` (framing `length`) and returns the body. The body of a refusal is JSON, HTML or text, as the
// client prefers; JSON without a preference:
//   {"error":"token_expired","message":"…","remedy":"…","detail":"…","request_id":"…"}
// Remedy and detail are omitted when the fault is not the client's, unless ErrorPages::full_detail is set:
// details about what is behind the gateway belong in its log.
std::string render(const http::LocalResponse& response, const AnswerFacts& facts, http::ResponseHead& head);

http::LocalResponse failure_response(base::Error error, std::string detail);

}  // namespace postern::proxy
