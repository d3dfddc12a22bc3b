#include "websocket/message_reader.h"

namespace postern::websocket {
namespace {

constexpr size_t message_keep = 4 * 1024;  // an idle socket keeps at most this buffer
constexpr Fault not_utf8{close_code::invalid_text, "utf8"};

}  // namespace

void MessageReader::begin(const FrameHeader& header) {
  if (header.is(Opcode::continuation)) return;
  kind_ = header.is(Opcode::text) ? Opcode::text : Opcode::binary;
  compressed_ = header.reserved != 0;
  text_check_ = {};
}

std::optional<Fault> MessageReader::add(const FrameHeader& header, base::Bytes piece, uint64_t offset,
                                        bool end) {
  const size_t before = message_.size();
  message_.append(base::text_of(piece));
  const std::span<std::byte> added(reinterpret_cast<std::byte*>(message_.data()) + before, piece.size());
  if (header.masked) apply_mask(added, header.mask, offset);
  // Text is validated as it arrives: an invalid byte is reported before the message is complete.
  if (kind_ == Opcode::text && !compressed_ && !text_check_.feed(added)) return not_utf8;
  if (!end || !header.final) return std::nullopt;
  return finish();
}

std::optional<Fault> MessageReader::finish() {
  complete_ = true;
  if (!compressed_) {
    if (kind_ == Opcode::text && !text_check_.complete()) return not_utf8;
    return std::nullopt;
  }
  const std::string payload = std::exchange(message_, {});
  if (const auto problem = deflate_->expand(payload, size_max_, message_))
    return *problem == Deflate::Problem::too_large ? Fault{close_code::too_big, "message_size"}
                                                   : Fault{close_code::invalid_text, "deflate"};
  if (kind_ == Opcode::text && !is_utf8(message_)) return not_utf8;
  return std::nullopt;
}

void MessageReader::next() {
  complete_ = false;
  message_.clear();
  if (message_.capacity() > message_keep) message_.shrink_to_fit();
}

}  // namespace postern::websocket
