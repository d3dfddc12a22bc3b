#include "http1/chunk_reader.h"

#include <algorithm>

#include "http1/characters.h"
#include "http1/excerpt.h"

namespace postern::http1 {
namespace {

// The limit of the bytes of chunk framing: 16 KiB plus 64 times the data that it frames. That is enough for
// chunks of one byte, and too little for endless extensions.
constexpr uint64_t framing_allowed = 16 * 1024;
constexpr uint64_t framing_per_data_byte = 64;

constexpr std::string_view bad_size = "a chunk's size is not a number";
constexpr std::string_view bad_extension = "a chunk extension is not name=value";
constexpr std::string_view bad_line_end = "the line of a chunk's size does not end with CRLF";
constexpr std::string_view bad_data_end = "a chunk's data does not end where its size says, with CRLF";

constexpr int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

tl::expected<ChunkReader::Step, std::string_view> ChunkReader::next(base::Bytes& input,
                                                                    Deviations& deviations) {
  while (!input.empty()) {
    if (at_ == At::data) {
      Step step;
      step.data = input.first(static_cast<size_t>(std::min<uint64_t>(input.size(), remaining_)));
      input = input.subspan(step.data.size());
      remaining_ -= step.data.size();
      data_bytes_ += step.data.size();
      if (remaining_ == 0) at_ = At::data_end;
      return step;
    }
    line_read_ = padded_ = bare_line_feed_ = false;
    const std::string_view fault = take(static_cast<char>(input.front()));
    if (!fault.empty()) return tl::unexpected(fault);
    if (++framing_bytes_ > framing_allowed + framing_per_data_byte * data_bytes_)
      return tl::unexpected(std::string_view("chunk extensions are larger than the limit"));
    const auto show = [&] { return excerpt_of_body(base::text_of(input)); };
    if (padded_) deviations.note(Deviation::padded_chunk_size, show);
    if (bare_line_feed_) deviations.note(Deviation::line_feed, show);
    input = input.subspan(1);
    if (line_read_ && at_ == At::size) return Step{{}, true};
  }
  return Step{};
}

std::string_view ChunkReader::take(char byte) {
  switch (at_) {
    case At::size:
    case At::more_size: return take_digit(byte);
    case At::padding:
      if (is_blank(byte)) return {};
      return byte == '\r' || byte == '\n' || byte == ';' ? end_of_part(byte) : bad_size;
    case At::extension:
      if (forgives() && (is_blank(byte) || byte == '\r' || byte == '\n')) {
        padded_ = true;
        return is_blank(byte) ? std::string_view() : end_of_part(byte);
      }
      at_ = At::name;
      return may_be_in_token(byte) ? std::string_view() : bad_extension;
    case At::name:
      if (may_be_in_token(byte)) return {};
      if (byte != '=') return end_of_part(byte);
      at_ = At::value;
      return {};
    case At::value:
      at_ = byte == '"' ? At::quoted : At::token;
      return byte == '"' || may_be_in_token(byte) ? std::string_view() : bad_extension;
    case At::token: return may_be_in_token(byte) ? std::string_view() : end_of_part(byte);
    case At::quoted:
      if (byte == '"') at_ = At::after_quoted;
      if (byte == '\\') at_ = At::escaped;
      return may_be_in_value(byte) ? std::string_view() : bad_extension;
    case At::escaped: at_ = At::quoted; return may_be_in_value(byte) ? std::string_view() : bad_extension;
    case At::after_quoted: return end_of_part(byte);
    case At::line_feed: return byte == '\n' ? end_line() : bad_line_end;
    case At::data: return {};
    case At::data_end:
      if (byte == '\n' && forgives()) {
        bare_line_feed_ = true;
        at_ = At::size;
        return {};
      }
      at_ = At::data_end_lf;
      return byte == '\r' ? std::string_view() : bad_data_end;
    case At::data_end_lf: at_ = At::size; return byte == '\n' ? std::string_view() : bad_data_end;
  }
  return {};
}

std::string_view ChunkReader::take_digit(char byte) {
  const int digit = digit_of(byte);
  if (digit >= 0) {
    at_ = At::more_size;
    if (remaining_ > body_length_max >> 4) return "a chunk's size is beyond 63 bits";
    remaining_ = remaining_ << 4 | static_cast<unsigned>(digit);
    return {};
  }
  if (at_ == At::size) return bad_size;
  return byte == '\r' || byte == ';' || ((byte == '\n' || is_blank(byte)) && forgives()) ? end_of_part(byte)
                                                                                         : bad_size;
}

// Processes the byte after a size, a name or a value.
std::string_view ChunkReader::end_of_part(char byte) {
  if (byte == '\r') {
    at_ = At::line_feed;
    return {};
  }
  if (byte == ';') {
    at_ = At::extension;
    return {};
  }
  if (!forgives()) return bad_extension;
  if (byte == '\n') {
    bare_line_feed_ = true;
    return end_line();
  }
  if (!is_blank(byte)) return bad_extension;
  padded_ = true;
  at_ = At::padding;
  return {};
}

std::string_view ChunkReader::end_line() {
  line_read_ = true;
  at_ = remaining_ == 0 ? At::size : At::data;
  return {};
}

}  // namespace postern::http1
