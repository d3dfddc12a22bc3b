#include "http1/response_parser.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/error.h"
#include "http1/excerpt.h"

namespace postern::http1 {
namespace {

using base::Cause;
using http::FieldId;

std::string excerpt(const http::ResponseHead& head, std::string_view culprit) {
  const std::string_view text = head.bytes.text();
  return excerpt_of_line(text, static_cast<size_t>(culprit.data() - text.data()), StartLine::response);
}

// `culprit` is a view into the head.
tl::unexpected<http::Fault> refuse(const http::ResponseHead& head, std::string_view culprit,
                                   std::string detail) {
  return tl::unexpected(http::Fault{Cause::upstream_bad_response, std::move(detail), excerpt(head, culprit)});
}

using namespace std::string_view_literals;

constexpr std::string_view no_status_line = "the status line is not \"HTTP/1.1 NNN reason\"";
constexpr std::string_view speaks_http2 =
    "the endpoint speaks HTTP/2, or another binary protocol; endpoints are spoken to in HTTP/1.1";
constexpr std::string_view speaks_tls = "the endpoint speaks TLS: write https:// in its address";
constexpr auto response_signatures = std::to_array<Signature>({
    {"\x15\x03", speaks_tls, Cause::upstream_bad_response},  // an alert
    {"\x16\x03", speaks_tls, Cause::upstream_bad_response},  // a handshake
    {"\0\0"sv, speaks_http2, Cause::upstream_bad_response},  // the length of a SETTINGS frame
});

std::string_view without_line_end(std::string_view line) {
  line.remove_suffix(line.ends_with("\r\n") ? 2 : line.ends_with('\n') ? 1 : 0);
  return line;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// Summary of all elements of the Transfer-Encoding fields.
struct Codings {
  size_t count = 0;
  bool chunked_only = true;
};

Codings codings_of(const http::Headers& headers) {
  Codings codings;
  for (const http::HeaderField& field : headers) {
    if (field.id != FieldId::transfer_encoding) continue;
    std::string_view rest = field.value;
    while (const std::optional<std::string_view> coding = base::next_element(rest)) {
      ++codings.count;
      codings.chunked_only = codings.chunked_only && base::equal_ignoring_case(*coding, "chunked");
    }
  }
  return codings;
}

}  // namespace

ResponseParser::ResponseParser(const http::MessageLimits& limits, Events& events)
    : MessageParser(Reading::forgiving, response_signatures, limits), events_(events) {}

http::Fault ResponseParser::too_large(bool) const {
  return {
      Cause::head_too_large,
      in_head()
          ? "the head of the response is larger than " + std::to_string(limits_.head_size) + " bytes"
          : "the trailers of the response are larger than " + std::to_string(limits_.trailer_size) + " bytes",
      {}};
}

http::Fault ResponseParser::too_many_fields() const {
  return {Cause::head_too_large,
          "the response has more than " + std::to_string(limits_.fields) + " header fields",
          {}};
}

tl::expected<void, http::Fault> ResponseParser::interpret_head(base::Chunk bytes) {
  http::ResponseHead head;
  head.bytes = std::move(bytes);
  if (auto read = read_head(head); !read) return read;
  const bool no_body = head.status < 200 || head.status == 204 || head.status == 304;
  if (no_body || method_ == http::Method::head)
    expect_body(http::BodyKind::none);
  else
    expect_body(head.body, head.content_length);
  events_.on_response(std::move(head));
  return {};
}

tl::expected<void, http::Fault> ResponseParser::read_status_line(std::string_view line,
                                                                 http::ResponseHead& head) const {
  // HTTP/1.x SP 3DIGIT [SP reason]
  if (line.size() < 12 || !(line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ")) ||
      !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
      (line.size() > 12 && line[12] != ' '))
    return refuse(head, line, std::string(no_status_line));
  head.status = static_cast<uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  if (head.status < 100) return refuse(head, line, "a status below 100");
  if (line.size() > 13) head.reason = line.substr(13);
  const auto control = std::find_if(head.reason.begin(), head.reason.end(), is_control);
  if (control != head.reason.end())
    return refuse(head, head.reason.substr(static_cast<size_t>(control - head.reason.begin())),
                  "a control character in the reason phrase");
  return {};
}

tl::expected<void, http::Fault> ResponseParser::judge_start_line(std::string_view line) const {
  http::ResponseHead head;
  head.bytes = base::Chunk::copy_of(base::bytes_of(line));
  return read_status_line(without_line_end(head.bytes.text()), head);
}

std::optional<http::Fault> ResponseParser::nothing_of_http() const {
  constexpr std::string_view version = "HTTP/1.";
  const std::string_view come = gathered();
  const size_t size = std::min(come.size(), version.size());
  if (!in_head() || size == 0 || come.substr(0, size) == version.substr(0, size)) return std::nullopt;
  return http::Fault{Cause::upstream_bad_response, std::string(no_status_line),
                     excerpt_of_line(come, 0, StartLine::response)};
}

tl::expected<void, http::Fault> ResponseParser::read_head(http::ResponseHead& head) {
  const std::string_view text = head.bytes.text();
  const size_t line_size = text.find('\n') + 1;
  const std::string_view line = without_line_end(text.substr(0, line_size));
  const bool crlf = line.size() + 2 == line_size;
  if (auto read = read_status_line(line, head); !read) return read;
  if (!crlf)
    deviations_.note(Deviation::line_feed,
                     [&] { return excerpt_of_line(text, line_size - 1, StartLine::response); });
  if (auto read = read_head_fields(head.bytes, line_size); !read) return read;
  head.headers = std::move(fields_);

  const bool version_1_1 = line[7] == '1';
  if (auto read = read_framing(head, version_1_1); !read) return read;
  const bool says_close = head.headers.list_contains(FieldId::connection, "close");
  keep_alive_ = !says_close && (version_1_1 || head.headers.list_contains(FieldId::connection, "keep-alive"));
  const bool has_no_end = head.body == http::BodyKind::until_close && method_ != http::Method::head;
  // A 204 that announces a body may send it nevertheless.
  const bool doubtful = head.status == 204 && (head.content_length > 0 || codings_of(head.headers).count > 0);
  if (has_no_end || doubtful || deviations_.any()) keep_alive_ = false;
  return {};
}

tl::expected<void, http::Fault> ResponseParser::read_framing(http::ResponseHead& head, bool version_1_1) {
  const http::HeaderField* coding = head.headers.find(FieldId::transfer_encoding);
  const http::HeaderField* length = nullptr;
  size_t lengths = 0;
  for (const http::HeaderField& field : head.headers) {
    if (field.id != FieldId::content_length) continue;
    size_t elements = 0;
    std::string_view rest = field.value;
    while (const std::optional<std::string_view> element = base::next_element(rest)) {
      const std::optional<uint64_t> value = read_length(*element);
      if (!value) return refuse(head, field.name, "Content-Length is not a number");
      if (lengths > 0 && *value != head.content_length)
        return refuse(head, field.name,
                      "Content-Length says " + std::to_string(head.content_length) + " and " +
                          std::to_string(*value) + ": where the body ends is not known");
      head.content_length = *value;
      ++elements;
      ++lengths;
    }
    if (elements == 0) return refuse(head, field.name, "Content-Length is empty");
    if (lengths > 1 || field.value.find(',') != field.value.npos)
      deviations_.note(Deviation::repeated_length, [&] { return excerpt(head, field.name); });
    length = &field;
  }
  if (coding) {
    const Codings codings = codings_of(head.headers);
    if (codings.count == 0 || !codings.chunked_only)
      return refuse(head, coding->name, "a Transfer-Encoding other than \"chunked\"");
    if (codings.count > 1 || head.headers.count(FieldId::transfer_encoding) > 1 ||
        !base::equal_ignoring_case(coding->value, "chunked"))
      deviations_.note(Deviation::repeated_chunked, [&] { return excerpt(head, coding->name); });
    if (!version_1_1)
      deviations_.note(Deviation::chunked_in_http_1_0, [&] { return excerpt(head, coding->name); });
    if (length) deviations_.note(Deviation::both_lengths, [&] { return excerpt(head, length->name); });
  }
  // These responses have no framing fields (RFC 9112 6.1, RFC 9110 8.6). After an interim response, the body
  // bytes would be parsed as the next response.
  if (head.status < 200 && (coding || head.content_length > 0))
    return refuse(head, (coding ? coding : length)->name, "an interim response that announces a body");
  if (head.status < 200 || head.status == 204)
    head.body = http::BodyKind::none;
  else if (coding)
    head.body = http::BodyKind::chunked;
  else if (length)
    head.body = http::BodyKind::length;
  else
    head.body = head.status == 304 || method_ == http::Method::head ? http::BodyKind::none
                                                                    : http::BodyKind::until_close;
  if (coding && length) {  // Transfer-Encoding takes precedence
    head.content_length = 0;
    head.headers.remove(FieldId::content_length);
  } else if (length && deviations_.has(Deviation::repeated_length)) {
    head.headers.remove(FieldId::content_length);
    head.headers.add(FieldId::content_length, "Content-Length",
                     head.arena.keep(std::to_string(head.content_length)));
  }
  if (coding && deviations_.has(Deviation::repeated_chunked)) {
    head.headers.remove(FieldId::transfer_encoding);
    head.headers.add(FieldId::transfer_encoding, "Transfer-Encoding", "chunked");
  }
  return {};
}

}  // namespace postern::http1
