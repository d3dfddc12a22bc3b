// Collects the bytes of a message head or of trailers up to the empty line, and refuses lines that readers
// interpret differently: a bare LF and a line that begins with a space or tab (obs-fold), unless the reading
// is forgiving. More than one empty line before the start line is always refused. It does no I/O.
#pragma once

#include <cstdint>
#include <optional>

#include <tl/expected.hpp>

#include "base/chunk.h"
#include "http/fault.h"
#include "http1/reading.h"

namespace postern::http1 {

class HeadScanner {
 public:
  // A trailer section may be empty and has no start line. One empty line before a start line is accepted (RFC
  // 9112 2.2).
  enum class Section : uint8_t { head, trailers };

  // `limit`: the maximum bytes of a section, including its empty line.
  explicit HeadScanner(size_t limit, Section section = Section::head, Reading reading = Reading::strict)
      : limit_(limit), section_(section), reading_(reading) {}

  // Removes the bytes of the head from `input`. Returns the complete head, or nothing while more bytes are
  // needed.
  tl::expected<std::optional<base::Chunk>, http::Fault> feed(base::Bytes& input);

  // To be called before the first byte of a section.
  void set_limit(size_t limit) { limit_ = limit; }

  bool begun() const { return !gathered_.empty(); }
  bool started() const { return begun() || empty_line_skipped_; }
  // The bytes received of a section that is incomplete or was refused; not much more than the limit.
  std::string_view gathered() const { return gathered_.text(); }
  // Whether the start line is complete within the limit. When the limit is exceeded, this distinguishes a
  // long target from many fields.
  bool past_first_line() const { return first_line_size_ > 0 && first_line_size_ <= limit_; }
  // The start line with its line end; empty while it is incomplete.
  std::string_view first_line() const { return gathered().substr(0, first_line_size_); }
  void reset();

 private:
  // Scans the lines of `text` from where the last scan ended; returns the length of the head when it is
  // complete.
  tl::expected<size_t, http::Fault> scan(std::string_view text);
  void gather(base::Bytes bytes);
  tl::unexpected<http::Fault> refuse(base::Bytes input, http::Fault fault);
  std::string excerpt(std::string_view text, size_t at) const;

  size_t limit_;
  Section section_;
  Reading reading_;
  base::Chunk gathered_;
  size_t first_line_size_ = 0;  // 0: incomplete
  size_t line_start_ = 0;       // of the line that is being scanned
  size_t searched_ = 0;         // the line has no end up to here
  size_t lines_ = 0;            // before the current line
  bool empty_line_skipped_ = false;
};

}  // namespace postern::http1
