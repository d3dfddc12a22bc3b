#include "http1/message_parser.h"

#include "base/ascii.h"
#include "http1/specimen.h"
#include "net/proxy_protocol.h"

namespace postern::http1 {

using base::Cause;

namespace {

// Chunk framing may cost this much, and 64 times the data it frames: enough for one byte a chunk, not for
// endless extensions.
constexpr uint64_t framing_allowed = 16 * 1024;
constexpr uint64_t framing_per_data_byte = 64;

}  // namespace

MessageParser::MessageParser(llhttp_type_t type, const ParserLimits& limits)
    : limits_(limits), type_(type), scanner_(limits.head_size) {
  llhttp_init(&machine_, type_, &settings());
  machine_.data = this;
}

const llhttp_settings_t& MessageParser::settings() {
  static const llhttp_settings_t table = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_header_field = [](llhttp_t* machine, const char* at, size_t length) {
      auto* self = static_cast<MessageParser*>(machine->data);
      self->field_name_ = {at, length};
      self->field_value_ = {};
      return 0;
    };
    made.on_header_value = [](llhttp_t* machine, const char* at, size_t length) {
      auto* self = static_cast<MessageParser*>(machine->data);
      std::string_view& value = self->field_value_;
      // Head and trailers are whole in memory, so two pieces of one value always touch.
      value = value.data() ? std::string_view(value.data(), static_cast<size_t>(at + length - value.data()))
                           : std::string_view(at, length);
      return 0;
    };
    made.on_header_value_complete = [](llhttp_t* machine) {
      auto* self = static_cast<MessageParser*>(machine->data);
      http::Headers& into = self->last_chunk_ ? self->trailers_ : self->fields_;
      if (self->field_name_.empty()) self->field_fault_ = Fault{Cause::bad_request, "a field without a name"};
      if (into.size() >= self->limits_.fields)
        self->field_fault_ = Fault{Cause::head_too_large, "more header fields than the limit"};
      if (self->field_fault_) return -1;
      into.add(self->field_name_, base::trim(self->field_value_));
      return 0;
    };
    made.on_headers_complete = [](llhttp_t* machine) {
      auto* self = static_cast<MessageParser*>(machine->data);
      machine->upgrade = 0;  // the gateway decides about upgrades, see interpret_head
      const tl::expected<void, Fault> read = self->interpret_head(std::move(self->head_bytes_));
      if (!read) {
        self->field_fault_ = read.error();
        return -1;
      }
      return self->skip_body_ ? 1 : 0;
    };
    made.on_body = [](llhttp_t* machine, const char* at, size_t length) {
      auto* self = static_cast<MessageParser*>(machine->data);
      if (!self->count_framing(at)) return -1;
      self->framing_counted_to_ = at + length;
      self->data_bytes_ += length;
      self->tell_body(base::bytes_of({at, length}));
      return 0;
    };
    made.on_chunk_header = [](llhttp_t* machine) {
      auto* self = static_cast<MessageParser*>(machine->data);
      if (machine->content_length > body_length_max) {
        self->field_fault_ = Fault{Cause::bad_request, "a chunk's size is beyond 63 bits"};
        return -1;
      }
      if (machine->content_length != 0) return 0;
      self->last_chunk_ = true;
      return static_cast<int>(HPE_PAUSED);  // what follows goes through the scanner first
    };
    made.on_message_complete = [](llhttp_t* machine) {
      static_cast<MessageParser*>(machine->data)->message_done_ = true;
      return static_cast<int>(HPE_PAUSED);
    };
    return made;
  }();
  return table;
}

llhttp_errno_t MessageParser::execute(base::Bytes bytes) {
  return llhttp_execute(&machine_, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Fault MessageParser::fault_of(llhttp_errno_t error) const {
  if (field_fault_) return *field_fault_;
  switch (error) {
    case HPE_INVALID_METHOD: return {Cause::bad_request, "the method is not one that HTTP knows"};
    case HPE_INVALID_URL: return {Cause::bad_request, "the target has characters that a target cannot have"};
    case HPE_INVALID_HEADER_TOKEN:
      return {Cause::bad_request, "a header field has characters it cannot have"};
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
      return {Cause::bad_request, "Content-Length is contradictory or not a number"};
    case HPE_INVALID_TRANSFER_ENCODING:
      return {Cause::bad_request, "Transfer-Encoding is not understood the same way by everybody"};
    case HPE_INVALID_CHUNK_SIZE: return {Cause::bad_request, "a chunk's size is not a number"};
    case HPE_INVALID_VERSION:
      return {Cause::bad_request, "the start line does not end with an HTTP version that is known"};
    case HPE_INVALID_EOF_STATE: return {Cause::bad_request, "the message ends before it is complete"};
    default: return {Cause::bad_request, "the bytes are not well-formed HTTP/1.1"};
  }
}

size_t MessageParser::stopped_at(base::Bytes bytes) const {
  const char* at = llhttp_get_error_pos(&machine_);
  const auto* start = reinterpret_cast<const char*>(bytes.data());
  return at >= start && at < start + bytes.size() ? static_cast<size_t>(at - start) : 0;
}

tl::expected<size_t, Fault> MessageParser::feed(base::Bytes input) {
  const size_t offered = input.size();
  while (!input.empty() && state_ != State::complete) {
    if (state_ == State::body) {
      const tl::expected<size_t, Fault> used = parse_body(input);
      if (!used) return tl::unexpected(used.error());
      input = input.subspan(*used);
      continue;
    }
    if (state_ == State::head && !scanner_.begun() && input.size() > 1 &&
        base::text_of(input.first(2)) == "\x16\x03")
      return tl::unexpected(Fault{Cause::tls_unexpected, "a TLS handshake on a plain port"});
    if (state_ == State::head && type_ == HTTP_REQUEST && !scanner_.begun() &&
        net::begins_proxy_header(input))
      return tl::unexpected(
          Fault{Cause::bad_request,
                "a PROXY protocol header, from an address that this listener does not trust with one"});
    const bool past_first_line = scanner_.past_first_line();
    tl::expected<std::optional<base::Chunk>, Fault> gathered = scanner_.feed(input);
    if (!gathered) {
      Fault fault = gathered.error();
      if (fault.cause == Cause::head_too_large && state_ == State::head && !past_first_line &&
          !scanner_.past_first_line() && !long_start_line().empty())
        fault = {Cause::target_too_long, long_start_line(), std::move(fault.bytes)};
      return tl::unexpected(std::move(fault));
    }
    if (!*gathered) break;
    const tl::expected<void, Fault> parsed =
        state_ == State::head ? parse_head(std::move(**gathered)) : parse_trailers(std::move(**gathered));
    if (!parsed) return tl::unexpected(parsed.error());
  }
  return offered - input.size();
}

tl::expected<void, Fault> MessageParser::parse_head(base::Chunk bytes) {
  const base::Bytes view = bytes.bytes();  // moves with the chunk
  head_bytes_ = std::move(bytes);
  const llhttp_errno_t error = execute(view);
  if (message_done_) {
    state_ = State::complete;
    tell_complete();
    return {};
  }
  if (error != HPE_OK) {
    Fault fault = fault_of(error);
    if (!head_bytes_.empty()) fault.bytes = specimen_of_line(base::text_of(view), stopped_at(view));
    return tl::unexpected(std::move(fault));
  }
  if (!head_bytes_.empty())  // llhttp passes over lone CRs: it has seen lines, but no start line
    return tl::unexpected(Fault{Cause::bad_request, "empty lines instead of a start line"});
  state_ = State::body;
  return {};
}

tl::expected<size_t, Fault> MessageParser::parse_body(base::Bytes input) {
  const auto* start = reinterpret_cast<const char*>(input.data());
  framing_counted_to_ = start;
  llhttp_errno_t error = execute(input);
  size_t used = input.size();
  if (error == HPE_PAUSED) {
    used = static_cast<size_t>(llhttp_get_error_pos(&machine_) - start);
    llhttp_resume(&machine_);
    error = HPE_OK;
  }
  if (error != HPE_OK) {
    Fault fault = fault_of(error);
    fault.bytes = specimen_of_body(base::text_of(input.subspan(stopped_at(input))));
    return tl::unexpected(std::move(fault));
  }
  if (!count_framing(start + used)) return tl::unexpected(*field_fault_);
  if (message_done_) {
    state_ = State::complete;
    tell_complete();
  } else if (last_chunk_) {
    state_ = State::trailers;
    scanner_ = HeadScanner(limits_.trailer_size, HeadScanner::Section::trailers);
  }
  return used;
}

// Called before every piece of data and at the end of every feed, so that the verdict does not depend on how
// the bytes were cut.
bool MessageParser::count_framing(const char* up_to) {
  if ((machine_.flags & F_CHUNKED) == 0) return true;
  framing_bytes_ += static_cast<uint64_t>(up_to - framing_counted_to_);
  if (framing_bytes_ <= framing_allowed + framing_per_data_byte * data_bytes_) return true;
  field_fault_ = Fault{Cause::bad_request, "chunk extensions are larger than the limit"};
  return false;
}

tl::expected<void, Fault> MessageParser::parse_trailers(base::Chunk bytes) {
  trailer_bytes_ = std::move(bytes);
  const llhttp_errno_t error = execute(trailer_bytes_.bytes());
  if (!message_done_) {
    Fault fault = fault_of(error);
    fault.bytes = specimen_of_line(trailer_bytes_.text(), stopped_at(trailer_bytes_.bytes()), false);
    return tl::unexpected(std::move(fault));
  }
  state_ = State::complete;
  tell_complete();
  return {};
}

tl::expected<void, Fault> MessageParser::finish_at_end() {
  const llhttp_errno_t error = llhttp_finish(&machine_);
  if (!message_done_) return tl::unexpected(fault_of(error == HPE_OK ? HPE_INVALID_EOF_STATE : error));
  state_ = State::complete;
  tell_complete();
  return {};
}

bool MessageParser::frames_alike(http::BodyKind body, uint64_t length) const {
  const bool chunked = (machine_.flags & F_CHUNKED) != 0;
  const bool counted = (machine_.flags & F_CONTENT_LENGTH) != 0;
  return chunked == (body == http::BodyKind::chunked) && (counted ? machine_.content_length : 0) == length;
}

tl::expected<uint64_t, Fault> MessageParser::read_length(const http::Headers& fields) {
  const http::HeaderField* length = fields.find(http::FieldId::content_length);
  if (!length) return 0;
  constexpr size_t digits_max = 19;
  const std::optional<uint64_t> value =
      length->value.size() <= digits_max ? base::parse_decimal(length->value) : std::nullopt;
  if (!value || *value > body_length_max || fields.count(http::FieldId::content_length) != 1)
    return tl::unexpected(Fault{Cause::bad_request, "Content-Length is contradictory or not a number"});
  return *value;
}

void MessageParser::next() {
  llhttp_init(&machine_, type_, &settings());
  machine_.data = this;
  scanner_ = HeadScanner(limits_.head_size);
  state_ = State::head;
  message_done_ = last_chunk_ = skip_body_ = false;
  framing_bytes_ = data_bytes_ = 0;
  fields_.clear();
  trailers_.clear();
  trailer_bytes_ = {};
  field_fault_.reset();
}

}  // namespace postern::http1
