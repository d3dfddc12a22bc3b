#include "http1/writer.h"

#include <array>
#include <charconv>

namespace postern::http1 {
namespace {

using http::FieldId;

bool is_framing(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::keep_alive:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
  }
}

void put(base::Chunk& out, std::string_view text) { out.append(base::bytes_of(text)); }

void put_number(base::Chunk& out, uint64_t number, int radix = 10) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, radix);
  put(out, {digits.data(), static_cast<size_t>(end.ptr - digits.data())});
}

size_t size_of(const http::Headers& headers) {
  size_t size = 0;
  for (const http::HeaderField& field : headers) size += field.name.size() + field.value.size() + 4;
  return size;
}

void put_field(base::Chunk& out, std::string_view name, std::string_view value) {
  put(out, name);
  put(out, ": ");
  put(out, value);
  put(out, "\r\n");
}

void put_fields(base::Chunk& out, const http::Headers& headers) {
  for (const http::HeaderField& field : headers) {
    if (!is_framing(field.id)) put_field(out, field.name, field.value);
  }
}

void put_length(base::Chunk& out, uint64_t length) {
  put(out, "Content-Length: ");
  put_number(out, length);
  put(out, "\r\n");
}

constexpr uint64_t joined_body = 512;  // bytes
constexpr size_t framing_room = 160;   // start line without its variable parts, framing and connection fields

void put_status_line(base::Chunk& out, uint16_t status, std::string_view reason) {
  put(out, "HTTP/1.1 ");
  put_number(out, status);
  put(out, " ");
  put(out, reason.empty() ? http::reason_phrase(status) : reason);
  put(out, "\r\n");
}

base::Chunk begin_response(const http::ResponseHead& head, size_t body_room = 0) {
  base::Chunk out =
      base::Chunk::with_capacity(framing_room + head.reason.size() + size_of(head.headers) + body_room);
  put_status_line(out, head.status, head.reason);
  put_fields(out, head.headers);
  return out;
}

}  // namespace

base::Chunk write_request(const http::RequestHead& head, std::string_view websocket_key) {
  base::Chunk out = base::Chunk::with_capacity(framing_room + head.method_text.size() + head.target.size() +
                                               websocket_key.size() + size_of(head.headers));
  put(out, head.method_text);
  put(out, " ");
  put(out, head.target);
  put(out, " HTTP/1.1\r\n");
  put_fields(out, head.headers);
  if (!websocket_key.empty()) put_field(out, "Sec-WebSocket-Key", websocket_key);
  if (head.upgrade == http::Upgrade::websocket) put(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  switch (head.body) {
    case http::BodyKind::length: put_length(out, head.content_length); break;
    case http::BodyKind::chunked: put(out, "Transfer-Encoding: chunked\r\n"); break;
    case http::BodyKind::none:
      // A request whose method normally has a body states that it has none (RFC 9110 8.6).
      if (head.method == http::Method::post || head.method == http::Method::put ||
          head.method == http::Method::patch)
        put_length(out, 0);
      break;
    case http::BodyKind::until_close: break;
  }
  put(out, "\r\n");
  return out;
}

base::Chunk write_response(const http::ResponseHead& head, const ResponseFraming& framing) {
  // A small body is sent in one piece with its head: the transport copies it into the head's chunk.
  const bool joined = framing.body == http::BodyKind::length && framing.content_length <= joined_body;
  base::Chunk out = begin_response(head, joined ? static_cast<size_t>(framing.content_length) : 0);
  if (framing.body == http::BodyKind::length) put_length(out, framing.content_length);
  if (framing.body == http::BodyKind::chunked) put(out, "Transfer-Encoding: chunked\r\n");
  if (head.status == 426) put(out, "Upgrade: websocket\r\n");  // RFC 9110 15.5.22
  if (!framing.connection.empty()) put_field(out, "Connection", framing.connection);
  put(out, "\r\n");
  return out;
}

base::Chunk write_switching(const http::ResponseHead& head, std::string_view accept) {
  base::Chunk out =
      base::Chunk::with_capacity(framing_room + head.reason.size() + accept.size() + size_of(head.headers));
  put_status_line(out, 101, head.status == 101 ? head.reason : std::string_view());
  if (!accept.empty()) put_field(out, "Sec-WebSocket-Accept", accept);
  put_fields(out, head.headers);
  put(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  return out;
}

base::Chunk write_interim(const http::ResponseHead& head) {
  base::Chunk out = begin_response(head);
  put(out, "\r\n");
  return out;
}

base::Chunk write_chunk_size(size_t size) {
  base::Chunk out = base::Chunk::with_capacity(24);
  put_number(out, size, 16);
  put(out, "\r\n");
  return out;
}

base::Chunk write_last_chunk(const http::Headers& trailers) {
  base::Chunk out = base::Chunk::with_capacity(8 + size_of(trailers));
  put(out, "0\r\n");
  put_fields(out, trailers);
  put(out, "\r\n");
  return out;
}

}  // namespace postern::http1
