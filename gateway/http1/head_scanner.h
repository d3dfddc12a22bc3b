// Gathers the bytes of a message head, or of trailers, up to the empty line, and refuses lines that readers
// take differently: a bare LF and a line that begins with a space or tab (obs-fold), unless the reading is
// forgiving, and always more than one empty line before the start line. No I/O.
#pragma once

#include <cstdint>
#include <optional>

#include <tl/expected.hpp>

#include "base/chunk.h"
#include "http1/fault.h"
#include "http1/reading.h"

namespace postern::http1 {

class HeadScanner {
 public:
  // A trailer section may be empty and has no start line; one empty line before a start line is forgiven
  // (RFC 9112 2.2).
  enum class Section : uint8_t { head, trailers };

  // `limit`: bytes of a section, its empty line included.
  explicit HeadScanner(size_t limit, Section section = Section::head, Reading reading = Reading::strict)
      : limit_(limit), section_(section), reading_(reading) {}

  // Takes what belongs to the head off `input`. Gives the whole head, or nothing while more must come.
  tl::expected<std::optional<base::Chunk>, Fault> feed(base::Bytes& input);

  // Before the first byte of a section.
  void set_limit(size_t limit) { limit_ = limit; }

  bool begun() const { return !gathered_.empty(); }
  bool started() const { return begun() || empty_line_skipped_; }
  // What has come of a section that is not whole, or was refused; not much more than the limit.
  std::string_view gathered() const { return gathered_.text(); }
  // Whether the start line is complete within the limit: tells a long target from many fields when the limit
  // is passed.
  bool past_first_line() const { return first_line_size_ > 0 && first_line_size_ <= limit_; }
  // With its end; empty while it is not complete.
  std::string_view first_line() const { return gathered().substr(0, first_line_size_); }
  void reset();

 private:
  // Looks at the lines of `text` from where the last look ended; gives the head's length when it is complete.
  tl::expected<size_t, Fault> scan(std::string_view text);
  void gather(base::Bytes bytes);
  tl::unexpected<Fault> refuse(base::Bytes input, Fault fault);
  std::string excerpt(std::string_view text, size_t at) const;

  size_t limit_;
  Section section_;
  Reading reading_;
  base::Chunk gathered_;
  size_t first_line_size_ = 0;  // 0: not complete
  size_t line_start_ = 0;       // of the line that is being looked at
  size_t searched_ = 0;         // up to here that line has no end
  size_t lines_ = 0;            // before that line
  bool empty_line_skipped_ = false;
};

}  // namespace postern::http1
