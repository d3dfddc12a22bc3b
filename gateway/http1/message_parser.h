// What requests and responses share: gathering the head, running llhttp over it and over the body, and the
// rules about framing that llhttp does not enforce. Bytes in, events out; no I/O, no allocation per event.
//
// llhttp is built in strict mode. On top of that the gateway refuses by itself what security.md's list names:
// see HeadScanner for lines, the subclasses for start lines and fields, and this class for bodies.
#pragma once

#include <llhttp.h>

#include <limits>
#include <tl/expected.hpp>

#include "base/chunk.h"
#include "http/head.h"
#include "http1/fault.h"
#include "http1/head_scanner.h"

namespace postern::http1 {

struct ParserLimits {
  size_t head_size = 32 * 1024;
  size_t target_size = 8 * 1024;
  size_t fields = 100;
  size_t trailer_size = 8 * 1024;
};

// Lengths beyond this are negative to readers with signed numbers.
inline constexpr uint64_t body_length_max = std::numeric_limits<int64_t>::max();

class MessageParser {
 public:
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  // Parses up to the end of one message. Gives the bytes that were used; fewer than all when the message is
  // complete: the rest belongs to the next one, or to another protocol.
  tl::expected<size_t, Fault> feed(base::Bytes input);

  bool complete() const { return state_ == State::complete; }
  bool in_head() const { return state_ == State::head; }
  bool begun() const { return state_ != State::head || scanner_.begun(); }
  bool keep_alive() const { return keep_alive_; }  // of the head that came last
  void next();                                     // after complete(): makes ready for another message

 protected:
  MessageParser(llhttp_type_t type, const ParserLimits& limits);
  ~MessageParser() = default;

  // Reads the start line and the fields, which stand in `fields_`; decides the framing; tells the owner.
  // `bytes` is what all views point into.
  virtual tl::expected<void, Fault> interpret_head(base::Chunk bytes) = 0;
  virtual void tell_body(base::Bytes bytes) = 0;
  virtual void tell_complete() = 0;
  virtual std::string_view long_start_line() const = 0;  // empty: head_too_large fits

  tl::expected<void, Fault> finish_at_end();
  // Whether llhttp, which will read the body, has understood the framing of the head in the same way: it does
  // not take a tab for white space everywhere.
  bool frames_alike(http::BodyKind body, uint64_t length) const;
  // The one Content-Length of `fields`, 0 without one.
  static tl::expected<uint64_t, Fault> read_length(const http::Headers& fields);

  const ParserLimits limits_;
  http::Headers fields_;    // of the head; moved away by interpret_head
  http::Headers trailers_;  // views into trailer_bytes_
  base::Chunk trailer_bytes_;
  bool skip_body_ = false;  // set by interpret_head: HEAD, 1xx, 204, 304
  bool keep_alive_ = true;

 private:
  enum class State : uint8_t { head, body, trailers, complete };

  tl::expected<void, Fault> parse_head(base::Chunk bytes);
  tl::expected<size_t, Fault> parse_body(base::Bytes input);
  tl::expected<void, Fault> parse_trailers(base::Chunk bytes);
  bool count_framing(const char* up_to);  // false: too much, said in `field_fault_`
  llhttp_errno_t execute(base::Bytes bytes);
  Fault fault_of(llhttp_errno_t error) const;
  size_t stopped_at(base::Bytes bytes) const;  // where in them llhttp found fault
  static const llhttp_settings_t& settings();

  const llhttp_type_t type_;
  llhttp_t machine_;
  HeadScanner scanner_;
  State state_ = State::head;
  bool message_done_ = false;   // llhttp has said so
  bool last_chunk_ = false;     // the chunk of size 0 has begun
  uint64_t framing_bytes_ = 0;  // of a chunked body
  uint64_t data_bytes_ = 0;
  const char* framing_counted_to_ = nullptr;  // within the bytes that are being fed
  base::Chunk head_bytes_;                    // while llhttp runs over them
  std::string_view field_name_;
  std::string_view field_value_;
  std::optional<Fault> field_fault_;
};

}  // namespace postern::http1
