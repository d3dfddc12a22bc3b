#include "support/multiplexed_frames.h"

#include "base/check.h"
#include "base/error.h"
#include "http/hop_by_hop.h"

namespace postern::support {
namespace {

constexpr size_t frame_head_size = 9;

void put_size(std::string& out, size_t size) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>((size >> shift) & 0xff));
}

uint32_t size_at(std::string_view text, size_t at) {
  uint32_t size = 0;
  for (size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<uint8_t>(text[at + i]);
  return size;
}

void put_text(std::string& out, std::string_view text) {
  put_size(out, text.size());
  out += text;
}

std::string_view take_text(std::string_view& payload) {
  base::check(payload.size() >= 4, "a frame is cut");
  const size_t size = size_at(payload, 0);
  base::check(payload.size() - 4 >= size, "a frame is cut");
  const std::string_view text = payload.substr(4, size);
  payload.remove_prefix(4 + size);
  return text;
}

uint64_t take_number(std::string_view& payload) { return read_number(take_text(payload)); }

void put_number(std::string& out, uint64_t number) { put_text(out, write_number(number)); }

// What HTTP/1.1 needs fields for, and other protocols do not: the framing of a body, the upgrade and its
// confirmation. The key of a WebSocket is a field like any other, which nobody reads.
bool is_of_http1(const http::HeaderField& field) {
  switch (field.id) {
    case http::FieldId::connection:
    case http::FieldId::content_length:
    case http::FieldId::keep_alive:
    case http::FieldId::sec_websocket_accept:
    case http::FieldId::transfer_encoding:
    case http::FieldId::upgrade: return true;
    default: return false;
  }
}

http::Headers without_hop_by_hop(http::Headers fields) {
  http::remove_hop_by_hop(fields);
  return fields;
}

// `until_close` and `chunked` are names that HTTP/1.1 has for a body of unknown length.
http::BodyKind without_framing(http::BodyKind body) {
  return body == http::BodyKind::until_close ? http::BodyKind::chunked : body;
}

}  // namespace

std::string frame_text(FrameType type, uint32_t stream, std::string_view payload) {
  std::string text(1, static_cast<char>(type));
  text.reserve(frame_head_size + payload.size());
  put_size(text, stream);
  put_size(text, payload.size());
  return text.append(payload);
}

std::optional<Frame> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(used_);
  const size_t size = rest.size() < frame_head_size ? 0 : size_at(rest, 5);
  if (rest.size() < frame_head_size + size) {
    buffer_.erase(0, std::exchange(used_, 0));
    return std::nullopt;
  }
  used_ += frame_head_size + size;
  return Frame{static_cast<FrameType>(rest[0]), size_at(rest, 1),
               std::string(rest.substr(frame_head_size, size))};
}

std::string write_head(const http::RequestHead& head) {
  std::string text;
  put_text(text, head.method_text);
  put_text(text, head.target);
  put_text(text, head.authority);
  put_text(text, head.upgrade_problem);
  put_number(text, static_cast<uint64_t>(head.version));
  put_number(text, static_cast<uint64_t>(head.upgrade));
  put_number(text, static_cast<uint64_t>(without_framing(head.body)));
  put_number(text, head.content_length);
  put_number(text, head.expects_continue ? 1 : 0);
  return text += write_fields(without_hop_by_hop(head.headers));
}

std::string write_head(const http::ResponseHead& head) {
  std::string text;
  put_text(text, head.reason);
  put_text(text, head.upgrade_problem);
  put_number(text, head.opens_tunnel ? 200 : head.status);
  put_number(text, static_cast<uint64_t>(without_framing(head.body)));
  put_number(text, head.content_length);
  put_number(text, head.opens_tunnel ? 1 : 0);
  return text += write_fields(without_hop_by_hop(head.headers));
}

http::RequestHead read_request_head(std::string_view payload) {
  http::RequestHead head;
  head.method_text = head.arena.keep(take_text(payload));
  head.method = http::method_of(head.method_text);
  head.target = head.arena.keep(take_text(payload));
  head.authority = head.arena.keep(take_text(payload));
  head.upgrade_problem = head.arena.keep(take_text(payload));
  head.version = static_cast<http::Version>(take_number(payload));
  head.upgrade = static_cast<http::Upgrade>(take_number(payload));
  head.body = static_cast<http::BodyKind>(take_number(payload));
  head.content_length = take_number(payload);
  head.expects_continue = take_number(payload) != 0;
  read_fields(payload, head.headers, head.arena);
  return head;
}

http::ResponseHead read_response_head(std::string_view payload) {
  http::ResponseHead head;
  head.reason = head.arena.keep(take_text(payload));
  head.upgrade_problem = head.arena.keep(take_text(payload));
  head.status = static_cast<uint16_t>(take_number(payload));
  head.body = static_cast<http::BodyKind>(take_number(payload));
  head.content_length = take_number(payload);
  head.opens_tunnel = take_number(payload) != 0;
  read_fields(payload, head.headers, head.arena);
  return head;
}

std::string write_fields(const http::Headers& fields) {
  std::string text;
  for (const http::HeaderField& field : fields) {
    if (is_of_http1(field)) continue;
    put_text(text, field.name);
    put_text(text, field.value);
  }
  return text;
}

void read_fields(std::string_view payload, http::Headers& into, base::TextArena& arena) {
  while (!payload.empty()) {
    const std::string_view name = arena.keep(take_text(payload));
    into.add(name, arena.keep(take_text(payload)));
  }
}

std::string write_fault(const http::Fault& fault) {
  std::string text;
  put_number(text, static_cast<uint64_t>(fault.cause));
  put_text(text, fault.detail);
  put_text(text, fault.bytes);
  return text;
}

http::Fault read_fault(std::string_view& payload) {
  http::Fault fault;
  fault.cause = static_cast<base::Cause>(take_number(payload));
  fault.detail = take_text(payload);
  fault.bytes = take_text(payload);
  return fault;
}

std::string write_number(uint64_t number) { return std::to_string(number); }

uint64_t read_number(std::string_view payload) { return std::stoull(std::string(payload)); }

}  // namespace postern::support
