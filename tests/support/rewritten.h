// The bytes that the gateway sends to the other side for a message that it has read.
#pragma once

#include <string>

#include "base/ascii.h"
#include "http1/writer.h"
#include "support/parsed_messages.h"

namespace postern::support {

inline std::string in_chunks(std::string_view body, const http::Headers& trailers) {
  std::string bytes;
  if (!body.empty())
    bytes.append(http1::write_chunk_size(body.size()).text()).append(body).append(http1::chunk_end);
  return bytes.append(http1::write_last_chunk(trailers).text());
}

// `request` must be complete and have an authority.
inline std::string rewritten(const ParsedMessage& request) {
  http::RequestHead head;
  head.method = http::method_of(request.method);
  head.method_text = request.method;
  head.target = request.target;
  head.upgrade = request.upgrade;
  head.body = request.body_kind;
  head.content_length = request.content_length;
  head.headers.add("Host", request.authority);
  for (const auto& [name, value] : request.fields)
    if (!base::equal_ignoring_case(name, "host")) head.headers.add(name, value);
  std::string bytes(http1::write_request(head).text());
  if (request.body_kind == http::BodyKind::length) bytes += request.body;
  if (request.body_kind == http::BodyKind::chunked) bytes += in_chunks(request.body, {});
  return bytes;
}

// `response` must be complete, final and not a 101. `hidden`: it answers a HEAD. The bytes are for a client
// of HTTP/1.1.
inline std::string rewritten_response(const ParsedMessage& response, bool hidden) {
  http::ResponseHead head;
  head.status = response.status;
  head.reason = response.reason;
  head.body = response.body_kind;
  head.content_length = response.content_length;
  for (const auto& [name, value] : response.fields) head.headers.add(name, value);
  http1::ResponseFraming framing{response.body_kind, response.content_length, {}};
  if (framing.body == http::BodyKind::until_close) framing.body = http::BodyKind::chunked;
  std::string bytes(http1::write_response(head, framing).text());
  if (hidden || response.status == 204 || response.status == 304) return bytes;
  http::Headers trailers;
  for (const auto& [name, value] : response.trailers) trailers.add(name, value);
  if (framing.body == http::BodyKind::length) bytes += response.body;
  if (framing.body == http::BodyKind::chunked) bytes += in_chunks(response.body, trailers);
  return bytes;
}

}  // namespace postern::support
