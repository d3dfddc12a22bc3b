// The gateway's own answers: from a LocalResponse, or from an Error by way of the one table, to a head and a
// body that a client can understand.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/head.h"
#include "http/local_response.h"
#include "proxy/error_pages.h"

namespace postern::proxy {

// Whom an answer is for.
struct AnswerFacts {
  std::string_view request_id{};
  int64_t now_unix = 0;
  const ErrorPages* pages = nullptr;           // the operator's; null: there are none
  const http::RequestHead* request = nullptr;  // null: it could not be read
  std::string_view host{};                     // that the client asked for
  std::string_view target{};                   // as the client sent it
};

// Fills `head` (framing `length`) and gives the body. A refusal's body is JSON, a page or text, as the client
// wants it; JSON when it does not say:
//   {"error":"token_expired","message":"…","remedy":"…","detail":"…","request_id":"…"}
// Remedy and detail are left out when the fault is not the client's, unless ErrorPages::full_detail: what
// lies behind the gateway is for its log.
std::string render(const http::LocalResponse& response, const AnswerFacts& facts, http::ResponseHead& head);

http::LocalResponse failure_response(base::Error error, std::string detail);

}  // namespace postern::proxy
