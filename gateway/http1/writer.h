// Serialises heads and chunk framing. The writer alone decides about framing and connection fields: those in
// a head's list (Content-Length, Transfer-Encoding, Connection, Keep-Alive, Upgrade) are ignored. Values must
// be free of CR and LF; they were parsed, or made by the gateway itself. It does no I/O.
#pragma once

#include "base/chunk.h"
#include "http/head.h"

namespace postern::http1 {

// head.body decides the framing; a WebSocket upgrade gets its Connection and Upgrade fields, and
// `websocket_key` unless that is empty.
base::Chunk write_request(const http::RequestHead& head, std::string_view websocket_key = {});

struct ResponseFraming {
  http::BodyKind body = http::BodyKind::none;  // `none`: no framing field
  uint64_t content_length = 0;
  // The Connection value: empty (HTTP/1.1 keeps the connection), "close", or "keep-alive" for HTTP/1.0.
  std::string_view connection;
};
base::Chunk write_response(const http::ResponseHead& head, const ResponseFraming& framing);
// Writes the 101 of a tunnel, whatever the status of `head`, with Upgrade and Connection, and with `accept`
// as Sec-WebSocket-Accept unless that is empty.
base::Chunk write_switching(const http::ResponseHead& head, std::string_view accept = {});
base::Chunk write_interim(const http::ResponseHead& head);

// Writes "1a2b\r\n"; after the data follows "\r\n".
base::Chunk write_chunk_size(size_t size);
inline constexpr std::string_view chunk_end = "\r\n";
// Writes "0\r\n", the trailer fields, and "\r\n".
base::Chunk write_last_chunk(const http::Headers& trailers);

}  // namespace postern::http1
