// Heads and chunk framing into bytes. The writer alone decides about framing and connection fields: those in
// a head's list (Content-Length, Transfer-Encoding, Connection, Keep-Alive, Upgrade) are passed over. Values
// must be free of CR and LF: they came through the parser, or from the gateway itself. No I/O.
#pragma once

#include "base/chunk.h"
#include "http/head.h"

namespace postern::http1 {

// Framing from head.body; a WebSocket upgrade gets its Connection and Upgrade fields.
base::Chunk write_request(const http::RequestHead& head);

struct ResponseFraming {
  http::BodyKind body = http::BodyKind::none;  // `none`: no framing field at all
  uint64_t content_length = 0;
  // What to say about the connection: nothing (HTTP/1.1 keeps it), "close", or "keep-alive" to HTTP/1.0.
  std::string_view connection;
};
base::Chunk write_response(const http::ResponseHead& head, const ResponseFraming& framing);
// 101 for a tunnel: with Upgrade and Connection.
base::Chunk write_switching(const http::ResponseHead& head);
base::Chunk write_interim(const http::ResponseHead& head);

// "1a2b\r\n"; after the data comes "\r\n".
base::Chunk write_chunk_size(size_t size);
inline constexpr std::string_view chunk_end = "\r\n";
// "0\r\n", trailer fields, "\r\n".
base::Chunk write_last_chunk(const http::Headers& trailers);

}  // namespace postern::http1
