#include "http1/head_scanner.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "http1/excerpt.h"

namespace postern::http1 {

using base::Cause;

tl::expected<size_t, http::Fault> HeadScanner::scan(std::string_view text) {
  const auto refuse = [&](std::string_view detail, const char* at) {
    return tl::unexpected(http::Fault{Cause::bad_request, std::string(detail),
                                      excerpt(text, static_cast<size_t>(at - text.data()))});
  };
  const bool forgiving = reading_ == Reading::forgiving;
  while (line_start_ < text.size()) {
    const char* start = text.data() + line_start_;
    if ((line_start_ > 0 || section_ == Section::trailers) && (*start == ' ' || *start == '\t')) {
      if (!forgiving) return refuse("a header line begins with a space or tab (obs-fold)", start);
      if (lines_ <= (section_ == Section::head ? 1u : 0u))
        return refuse("a header line begins with a space or tab, and there is none before it", start);
    }
    const size_t from = std::max(line_start_, searched_);
    const auto* newline = static_cast<const char*>(std::memchr(text.data() + from, '\n', text.size() - from));
    if (!newline) {
      searched_ = text.size();
      return 0;
    }
    const bool crlf = newline != start && newline[-1] == '\r';
    if (!crlf && !forgiving) return refuse("a line ends with a bare LF", newline);
    const size_t length = static_cast<size_t>(newline - start) + 1;
    if (line_start_ == 0) first_line_size_ = length;
    line_start_ += length;
    ++lines_;
    if (length == (crlf ? 2 : 1)) return line_start_;
  }
  return 0;
}

std::string HeadScanner::excerpt(std::string_view text, size_t at) const {
  return excerpt_of_line(text, at, section_ == Section::head ? start_line(reading_) : StartLine::none);
}

void HeadScanner::gather(base::Bytes bytes) {
  if (gathered_.room() < bytes.size()) {
    base::Chunk larger =
        base::Chunk::with_capacity(std::max<size_t>(2 * gathered_.size(), gathered_.size() + bytes.size()));
    larger.append(gathered_.bytes());
    gathered_ = std::move(larger);
  }
  gathered_.append(bytes);
}

tl::expected<std::optional<base::Chunk>, http::Fault> HeadScanner::feed(base::Bytes& input) {
  const bool has_start_line = section_ == Section::head;
  if (has_start_line && gathered_.empty() && !empty_line_skipped_ && input.size() >= 2 &&
      base::text_of(input.first(2)) == "\r\n") {
    input = input.subspan(2);
    empty_line_skipped_ = true;
  }
  if (input.empty()) return std::nullopt;
  const size_t before = gathered_.size();
  // Only up to the byte that exceeds the limit: the error must not depend on how the bytes were cut into
  // pieces.
  std::string_view text = base::text_of(input.first(std::min(input.size(), limit_ + 1)));
  if (before > 0) {
    gather(input.first(std::min(input.size(), limit_ + 1 - std::min(limit_, before))));
    text = gathered_.text();
  }
  const tl::expected<size_t, http::Fault> end = scan(text);
  if (!end) return refuse(input, end.error());
  if (*end > limit_ || (*end == 0 && text.size() > limit_))
    return refuse(input, {Cause::head_too_large, "the header fields are larger than the limit",
                          excerpt(text, line_start_)});
  const bool empty_line = *end > 0 && lines_ == 1;
  if (empty_line && has_start_line && !empty_line_skipped_) {  // the accepted empty line came in pieces
    input = input.subspan(*end - before);
    reset();
    empty_line_skipped_ = true;
    return feed(input);
  }
  if (empty_line && has_start_line)
    return refuse(input, {Cause::bad_request, "empty lines instead of a start line", {}});
  if (*end == 0) {
    if (before == 0) gather(input);
    input = {};
    return std::nullopt;
  }
  base::Chunk head;
  if (before == 0) {
    head = base::Chunk::copy_of(input.first(*end));
  } else {
    gathered_.truncate(*end);
    head = std::move(gathered_);
  }
  input = input.subspan(*end - before);
  reset();
  return std::optional<base::Chunk>(std::move(head));
}

// Keeps the refused bytes, so that the log can show as much of the request as possible.
tl::unexpected<http::Fault> HeadScanner::refuse(base::Bytes input, http::Fault fault) {
  if (gathered_.empty()) gather(input.first(std::min(input.size(), limit_ + 1)));
  return tl::unexpected(std::move(fault));
}

void HeadScanner::reset() {
  gathered_ = {};
  first_line_size_ = 0;
  line_start_ = 0;
  searched_ = 0;
  lines_ = 0;
  empty_line_skipped_ = false;
}

}  // namespace postern::http1
