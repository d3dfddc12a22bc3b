// The common part of the request and response parsers: it collects the head, reads its fields, and reads the
// body with the framing that the subclass has decided. It turns bytes into events, does no I/O and allocates
// nothing per event.
//
// See HeadScanner for lines, read_fields() for fields, ChunkReader for chunked bodies, and the subclasses for
// start lines and for the meaning of the fields.
#pragma once

#include <optional>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "base/chunk.h"
#include "base/error_fwd.h"
#include "http/fault.h"
#include "http/head.h"
#include "http/limits.h"
#include "http1/chunk_reader.h"
#include "http1/deviations.h"
#include "http1/head_scanner.h"
#include "http1/opening.h"

namespace postern::http1 {

class MessageParser {
 public:
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  // Parses up to the end of one message. Returns how many bytes were used. When the message is complete,
  // unused bytes may remain; they belong to the next message or to another protocol.
  tl::expected<size_t, http::Fault> feed(base::Bytes input);

  bool complete() const { return state_ == State::complete; }
  bool in_head() const { return state_ == State::head; }
  bool begun() const;
  bool keep_alive() const { return keep_alive_; }  // of the last head
  void next();  // to be called after complete(): prepares for another message
  // Changes the limits from the next message on; to be called only while begun() is false.
  void set_limits(const http::MessageLimits& limits) {
    limits_ = limits;
    scanner_.set_limit(limits.head_size);
  }

 protected:
  MessageParser(Reading reading, std::span<const Signature> signatures, const http::MessageLimits& limits);
  ~MessageParser() = default;

  // Reads the start line, and with read_head_fields() the fields; decides the framing with expect_body();
  // emits the event for the head.
  virtual tl::expected<void, http::Fault> interpret_head(base::Chunk bytes) = 0;
  // Checks the start line of a head that is incomplete, or is refused for another line: its fault is reported
  // at once, because the sender may send nothing more.
  virtual tl::expected<void, http::Fault> judge_start_line(std::string_view) const { return {}; }
  virtual void tell_body(base::Bytes bytes) = 0;
  virtual void tell_complete() = 0;
  // The fault of a head that is larger than the limit.
  virtual http::Fault too_large(bool in_start_line) const = 0;

  // Reads the fields of a head, which begin after `start_line_size` bytes, into fields_.
  tl::expected<void, http::Fault> read_head_fields(base::Chunk& bytes, size_t start_line_size);
  void expect_body(http::BodyKind body, uint64_t length = 0) {
    body_ = body;
    remaining_ = length;
  }
  tl::expected<void, http::Fault> finish_at_end();
  static std::optional<uint64_t> read_length(std::string_view value);
  // The received bytes of an incomplete head.
  std::string_view gathered() const { return scanner_.gathered(); }
  virtual http::Fault too_many_fields() const;

  http::MessageLimits limits_;
  http::Headers fields_;    // of the head; interpret_head() moves them away
  http::Headers trailers_;  // views into trailer_bytes_
  base::Chunk trailer_bytes_;
  Deviations deviations_;
  bool keep_alive_ = true;

 private:
  enum class State : uint8_t { head, body, trailers, complete };

  tl::expected<void, http::Fault> feed_section(base::Bytes& input);
  tl::expected<void, http::Fault> feed_body(base::Bytes& input);
  tl::expected<void, http::Fault> open(base::Bytes& input);
  tl::expected<void, http::Fault> read_fields_of(base::Chunk& bytes, size_t start, bool head);
  void complete_message();

  const Reading reading_;
  const std::span<const Signature> signatures_;
  Opening opening_;
  HeadScanner scanner_;
  ChunkReader chunks_;
  State state_ = State::head;
  http::BodyKind body_ = http::BodyKind::none;
  uint64_t remaining_ = 0;  // bytes left of a body of known length
};

}  // namespace postern::http1
