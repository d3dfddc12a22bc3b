// The server's end of a WebSocket connection (RFC 6455) without the transport: it turns received bytes into
// messages, and messages into bytes to send. wslay parses and writes the frames; this class decides what they
// mean together, because wslay's own message layer refuses the close codes 1012 to 1014, accepts a Close of
// one byte, closes without a code after a malformed control frame, reserves the memory that a frame
// announces, and queues an unlimited number of pongs. It does no I/O, supports no extensions, and is used on
// one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/chunk.h"
#include "websocket/utf8_check.h"

struct wslay_frame_context;
struct wslay_frame_iocb;

namespace postern::websocket {

enum class MessageKind : uint8_t { text, binary };

struct MessageLimits {
  size_t message_size = 1024 * 1024;  // bytes, over all fragments; beyond it the connection ends with 1009
  size_t pongs = 16;  // between two calls of take_output(); beyond it only the last ping is answered (5.5.3)
};

class MessageCodec {
 public:
  class Receiver {
   public:
    // A complete message; text is well-formed UTF-8. The message is valid only during the call. The receiver
    // may call send() and close(), but must not destroy the codec.
    virtual void on_message(MessageKind kind, std::string_view message) = 0;

   protected:
    ~Receiver() = default;
  };

  enum class State : uint8_t {
    open,
    closing,  // our Close is in the output, the peer's has not arrived: messages and pings are ignored
    over,     // nothing more is read or written: send the output, then end the connection
  };

  // `receiver` outlives the codec.
  explicit MessageCodec(Receiver& receiver, const MessageLimits& limits = {});
  MessageCodec(const MessageCodec&) = delete;
  MessageCodec& operator=(const MessageCodec&) = delete;

  // Feeds bytes of the peer, in any pieces. Must not be called from on_message().
  void feed(base::Bytes bytes);

  // These append a message of one frame, or a Close frame, to the output; they do nothing unless the state is
  // open. Text must be UTF-8. `code` must satisfy is_sendable_close_code(). A reason is cut to 123 bytes,
  // between two characters.
  void send(MessageKind kind, std::string_view message);
  void close(uint16_t code, std::string_view reason);

  // The bytes to send. One feed() causes a bounded amount of output; the caller must not feed more while the
  // peer does not read.
  bool has_output() const { return !output_.empty() || ping_waits_; }
  base::Chunk take_output();

  State state() const { return state_; }
  // The code of the Close frame that was first, in either direction; 0 before any Close frame.
  uint16_t close_code() const { return close_code_; }

 private:
  struct FreeContext {
    void operator()(wslay_frame_context* context) const;
  };

  ssize_t give(uint8_t* buffer, size_t room);
  void take_piece(const wslay_frame_iocb& frame);
  bool begin_frame(const wslay_frame_iocb& frame);
  bool begin_data_frame(const wslay_frame_iocb& frame);
  void end_control_frame(uint8_t opcode);
  void end_data_frame(bool last);
  void answer_ping();
  void take_close();
  void fail(uint16_t code, std::string_view reason);
  void write_frame(uint8_t opcode, std::string_view payload);

  Receiver& receiver_;
  MessageLimits limits_;
  std::unique_ptr<wslay_frame_context, FreeContext> context_;
  base::Bytes incoming_;    // not yet read by wslay; used during feed() only
  uint64_t remaining_ = 0;  // payload bytes of the current frame that have not arrived
  bool in_message_ = false;
  MessageKind kind_ = MessageKind::text;
  Utf8Check text_check_;
  std::string message_;
  std::string control_;  // payload of the current control frame
  base::ChunkQueue output_;
  size_t pongs_ = 0;         // pongs in the output
  bool ping_waits_ = false;  // its payload is waiting_ping_
  std::string waiting_ping_;
  uint16_t close_code_ = 0;
  State state_ = State::open;
};

}  // namespace postern::websocket
