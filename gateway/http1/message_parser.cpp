#include "http1/message_parser.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "http1/excerpt.h"
#include "http1/field_reader.h"

namespace postern::http1 {

using base::Cause;

MessageParser::MessageParser(Reading reading, std::span<const Signature> signatures,
                             const http::MessageLimits& limits)
    : limits_(limits),
      reading_(reading),
      signatures_(signatures),
      scanner_(limits.head_size, HeadScanner::Section::head, reading),
      chunks_(reading) {}

bool MessageParser::begun() const {
  // One empty line before a message does not belong to it.
  const bool opened = !opening_.held().empty() && opening_.held() != "\r\n";
  return state_ != State::head || scanner_.begun() || opened;
}

tl::expected<size_t, http::Fault> MessageParser::feed(base::Bytes input) {
  const size_t offered = input.size();
  while (!input.empty() && state_ != State::complete) {
    tl::expected<void, http::Fault> fed = state_ == State::body ? feed_body(input) : feed_section(input);
    if (!fed) return tl::unexpected(std::move(fed.error()));
  }
  return offered - input.size();
}

tl::expected<void, http::Fault> MessageParser::open(base::Bytes& input) {
  if (const Signature* other = opening_.feed(input, signatures_))
    return tl::unexpected(http::Fault{other->cause, std::string(other->detail), {}});
  if (input.empty() || opening_.held().empty()) return {};
  // The held bytes are not a signature; they are shorter than any message.
  base::Bytes held = base::bytes_of(opening_.held());
  const auto gathered = scanner_.feed(held);
  opening_.clear();
  if (!gathered) return tl::unexpected(gathered.error());
  return {};
}

tl::expected<void, http::Fault> MessageParser::feed_section(base::Bytes& input) {
  const bool head = state_ == State::head;
  if (head && !scanner_.started()) {
    if (auto opened = open(input); !opened) return opened;
    if (input.empty()) return {};
  }
  const bool past_first_line = scanner_.past_first_line();
  tl::expected<std::optional<base::Chunk>, http::Fault> gathered = scanner_.feed(input);
  const bool start_line_came = head && !past_first_line && scanner_.past_first_line();
  if (start_line_came && (!gathered || !*gathered))
    if (auto judged = judge_start_line(scanner_.first_line()); !judged) return judged;
  if (!gathered) {
    http::Fault fault = std::move(gathered.error());
    if (fault.cause == Cause::head_too_large) {
      std::string bytes = std::move(fault.bytes);
      fault = too_large(head && !past_first_line && !scanner_.past_first_line());
      fault.bytes = std::move(bytes);
    }
    return tl::unexpected(std::move(fault));
  }
  if (!*gathered) return {};
  if (head) {
    base::Chunk& bytes = **gathered;
    state_ = State::body;
    if (auto read = interpret_head(std::move(bytes)); !read) {
      state_ = State::head;
      return read;
    }
    if (body_ == http::BodyKind::none || (body_ == http::BodyKind::length && remaining_ == 0))
      complete_message();
    return {};
  }
  trailer_bytes_ = std::move(**gathered);
  if (auto read = read_fields_of(trailer_bytes_, 0, false); !read) return read;
  // Trailers are dropped. But a client that sends a framing field in them expects two readers to disagree.
  if (reading_ == Reading::strict)
    for (const http::HeaderField& field : trailers_)
      if (field.id == http::FieldId::transfer_encoding)
        return tl::unexpected(
            http::Fault{Cause::bad_request, "the trailers have a Transfer-Encoding",
                        excerpt_of_line(trailer_bytes_.text(),
                                        static_cast<size_t>(field.name.data() - trailer_bytes_.text().data()),
                                        StartLine::none)});
  complete_message();
  return {};
}

tl::expected<void, http::Fault> MessageParser::read_head_fields(base::Chunk& bytes, size_t start_line_size) {
  return read_fields_of(bytes, start_line_size, true);
}

tl::expected<void, http::Fault> MessageParser::read_fields_of(base::Chunk& bytes, size_t start, bool head) {
  const auto read =
      read_fields(bytes, start, limits_.fields, reading_, head ? fields_ : trailers_, deviations_);
  if (read) return {};
  const FieldFault& why = read.error();
  http::Fault fault = why.kind == FieldFault::Kind::too_many
                          ? too_many_fields()
                          : http::Fault{Cause::bad_request, std::string(why.detail), {}};
  fault.bytes = excerpt_of_line(bytes.text(), why.at, head ? start_line(reading_) : StartLine::none);
  return tl::unexpected(std::move(fault));
}

tl::expected<void, http::Fault> MessageParser::feed_body(base::Bytes& input) {
  if (body_ == http::BodyKind::chunked) {
    const auto step = chunks_.next(input, deviations_);
    if (!step)
      return tl::unexpected(
          http::Fault{Cause::bad_request, std::string(step.error()), excerpt_of_body(base::text_of(input))});
    if (deviations_.any()) keep_alive_ = false;
    if (!step->data.empty()) tell_body(step->data);
    if (!step->last) return {};
    state_ = State::trailers;
    scanner_ = HeadScanner(limits_.trailer_size, HeadScanner::Section::trailers, reading_);
    return {};
  }
  base::Bytes data = input;
  if (body_ == http::BodyKind::length) {
    data = input.first(static_cast<size_t>(std::min<uint64_t>(input.size(), remaining_)));
    remaining_ -= data.size();
  }
  input = input.subspan(data.size());
  tell_body(data);
  if (body_ == http::BodyKind::length && remaining_ == 0) complete_message();
  return {};
}

void MessageParser::complete_message() {
  if (deviations_.any()) keep_alive_ = false;
  state_ = State::complete;
  tell_complete();
}

tl::expected<void, http::Fault> MessageParser::finish_at_end() {
  if (state_ != State::body || body_ != http::BodyKind::until_close)
    return tl::unexpected(http::Fault{Cause::bad_request, "the message ends before it is complete", {}});
  complete_message();
  return {};
}

std::optional<uint64_t> MessageParser::read_length(std::string_view value) {
  constexpr size_t digits_max = 19;
  const std::optional<uint64_t> length =
      value.size() <= digits_max ? base::parse_decimal(value) : std::nullopt;
  return length && *length <= body_length_max ? length : std::nullopt;
}

void MessageParser::next() {
  opening_.clear();
  scanner_ = HeadScanner(limits_.head_size, HeadScanner::Section::head, reading_);
  chunks_ = ChunkReader(reading_);
  state_ = State::head;
  body_ = http::BodyKind::none;
  remaining_ = 0;
  fields_.clear();
  trailers_.clear();
  trailer_bytes_ = {};
}

http::Fault MessageParser::too_many_fields() const {
  return {base::Cause::head_too_large, "more header fields than the limit"};
}

}  // namespace postern::http1
