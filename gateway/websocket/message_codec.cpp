#include "websocket/message_codec.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "websocket/frame.h"

namespace postern::websocket {
namespace {

constexpr size_t message_keep = 4 * 1024;  // an idle connection keeps at most this message buffer

}  // namespace

void MessageCodec::FreeContext::operator()(wslay_frame_context* context) const {
  wslay_frame_context_free(context);
}

MessageCodec::MessageCodec(Receiver& receiver, const MessageLimits& limits)
    : receiver_(receiver), limits_(limits) {
  wslay_frame_callbacks callbacks{};
  callbacks.recv_callback = [](uint8_t* buffer, size_t room, int, void* codec) {
    return static_cast<MessageCodec*>(codec)->give(buffer, room);
  };
  callbacks.send_callback = [](const uint8_t* data, size_t size, int, void* codec) {
    const base::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
    static_cast<MessageCodec*>(codec)->output_.push_copy(bytes);
    return static_cast<ssize_t>(size);
  };
  wslay_frame_context* context = nullptr;
  base::check(wslay_frame_context_init(&context, &callbacks, this) == 0, "wslay has no memory");
  context_.reset(context);
}

// --- bytes in ---

void MessageCodec::feed(base::Bytes bytes) {
  incoming_ = bytes;
  while (state_ != State::over) {
    wslay_frame_iocb frame{};
    const ssize_t received = wslay_frame_recv(context_.get(), &frame);
    if (received == WSLAY_ERR_WANT_READ) break;
    if (received < 0) {
      fail(close_code::protocol_error, "malformed frame");
      break;
    }
    take_piece(frame);
  }
  incoming_ = {};
}

ssize_t MessageCodec::give(uint8_t* buffer, size_t room) {
  const size_t size = std::min(room, incoming_.size());
  if (size == 0) return -1;  // no more bytes for now
  std::memcpy(buffer, incoming_.data(), size);
  incoming_ = incoming_.subspan(size);
  return static_cast<ssize_t>(size);
}

// wslay returns a frame as soon as some of its payload has arrived, and then continues with the same frame.
void MessageCodec::take_piece(const wslay_frame_iocb& frame) {
  if (remaining_ == 0) {
    if (!begin_frame(frame)) return;
    remaining_ = frame.payload_length;
  }
  remaining_ -= frame.data_length;
  const std::string_view piece(reinterpret_cast<const char*>(frame.data), frame.data_length);
  if (wslay_is_ctrl_frame(frame.opcode)) {
    control_.append(piece);
    if (remaining_ == 0) end_control_frame(frame.opcode);
    return;
  }
  if (state_ == State::open) {
    if (kind_ == MessageKind::text && !text_check_.feed(base::bytes_of(piece)))
      return fail(close_code::invalid_text, "text that is not UTF-8");
    message_.append(piece);
  }
  if (remaining_ == 0) end_data_frame(frame.fin == 1);
}

// wslay has already checked that lengths are minimal and that control frames are short and complete.
bool MessageCodec::begin_frame(const wslay_frame_iocb& frame) {
  if (frame.rsv != 0 || frame.mask != 1) {
    fail(close_code::protocol_error, frame.rsv != 0 ? "reserved bits" : "unmasked frame");
    return false;
  }
  switch (frame.opcode) {
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
    case WSLAY_CONTINUATION_FRAME: return begin_data_frame(frame);
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG: control_.clear(); return true;
    default: fail(close_code::protocol_error, "reserved opcode"); return false;
  }
}

bool MessageCodec::begin_data_frame(const wslay_frame_iocb& frame) {
  const bool continues = frame.opcode == WSLAY_CONTINUATION_FRAME;
  if (continues != in_message_) {
    fail(close_code::protocol_error, continues ? "continuation of nothing" : "message inside a message");
    return false;
  }
  if (!continues) {
    in_message_ = true;
    message_.clear();
    kind_ = frame.opcode == WSLAY_TEXT_FRAME ? MessageKind::text : MessageKind::binary;
    text_check_ = {};
  }
  if (frame.payload_length > limits_.message_size - message_.size()) {
    fail(close_code::too_big, "message too big");
    return false;
  }
  return true;
}

void MessageCodec::end_data_frame(bool last) {
  if (!last) return;
  in_message_ = false;
  if (state_ != State::open) return;
  if (kind_ == MessageKind::text && !text_check_.complete())
    return fail(close_code::invalid_text, "text that is not UTF-8");
  receiver_.on_message(kind_, message_);
  message_.clear();
  if (message_.capacity() > message_keep) message_.shrink_to_fit();
}

void MessageCodec::end_control_frame(uint8_t opcode) {
  if (opcode == WSLAY_PING) answer_ping();
  if (opcode == WSLAY_CONNECTION_CLOSE) take_close();
}

void MessageCodec::answer_ping() {
  if (state_ != State::open) return;  // nothing is sent after our Close (5.5.1)
  if (pongs_ < limits_.pongs) {
    ++pongs_;
    write_frame(WSLAY_PONG, control_);
    return;
  }
  ping_waits_ = true;
  waiting_ping_ = control_;
}

void MessageCodec::take_close() {
  if (control_.size() == 1) return fail(close_code::protocol_error, "a Close of one byte");
  uint16_t code = close_code::none;
  if (control_.size() >= 2) {
    code = static_cast<uint16_t>(static_cast<uint8_t>(control_[0]) << 8 | static_cast<uint8_t>(control_[1]));
    if (!is_sendable_close_code(code)) return fail(close_code::protocol_error, "no such close code");
    if (!is_utf8(std::string_view(control_).substr(2)))
      return fail(close_code::invalid_text, "a reason that is not UTF-8");
  }
  if (state_ == State::open) {
    ping_waits_ = false;  // no pong is allowed after the Close
    close_code_ = code;
    write_frame(WSLAY_CONNECTION_CLOSE, control_);
  }
  state_ = State::over;
}

void MessageCodec::fail(uint16_t code, std::string_view reason) {
  close(code, reason);
  state_ = State::over;
}

// --- bytes out ---

void MessageCodec::send(MessageKind kind, std::string_view message) {
  if (state_ != State::open) return;
  write_frame(kind == MessageKind::text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, message);
}

void MessageCodec::close(uint16_t code, std::string_view reason) {
  base::check(is_sendable_close_code(code), "a Close frame cannot carry this code");
  if (state_ != State::open) return;
  ping_waits_ = false;
  output_.push(close_frame(code, reason));
  close_code_ = code;
  state_ = State::closing;
}

base::Chunk MessageCodec::take_output() {
  pongs_ = 0;
  if (output_.empty()) {
    ping_waits_ = false;
    write_frame(WSLAY_PONG, waiting_ping_);
  }
  return output_.pop();
}

void MessageCodec::write_frame(uint8_t opcode, std::string_view payload) {
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.opcode = opcode;
  frame.payload_length = frame.data_length = payload.size();
  frame.data = reinterpret_cast<const uint8_t*>(payload.data());
  const ssize_t sent = wslay_frame_send(context_.get(), &frame);
  base::check(sent == static_cast<ssize_t>(payload.size()), "wslay did not write a frame of ours");
}

}  // namespace postern::websocket
