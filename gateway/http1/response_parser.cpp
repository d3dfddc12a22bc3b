#include "http1/response_parser.h"

#include "base/ascii.h"
#include "http1/specimen.h"

namespace postern::http1 {
namespace {

using http::FieldId;

// `culprit`: a view into the head.
tl::unexpected<Fault> refuse(const http::ResponseHead& head, std::string_view culprit,
                             std::string_view detail) {
  const std::string_view text = head.bytes.text();
  return tl::unexpected(Fault{base::Cause::upstream_bad_response, detail,
                              specimen_of_line(text, static_cast<size_t>(culprit.data() - text.data()))});
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

tl::expected<void, Fault> ResponseParser::interpret_head(base::Chunk bytes) {
  http::ResponseHead head;
  head.bytes = std::move(bytes);
  const std::string_view text = head.bytes.text();
  const std::string_view line = text.substr(0, text.find("\r\n"));
  // HTTP/1.x SP 3DIGIT [SP reason]; llhttp takes more than that.
  if (line.size() < 12 || !(line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ")) ||
      !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
      (line.size() > 12 && line[12] != ' '))
    return refuse(head, line, "the status line is not \"HTTP/1.1 NNN reason\"");
  const bool version_1_1 = line[7] == '1';
  head.status = static_cast<uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  if (head.status < 100) return refuse(head, line, "a status below 100");
  if (line.size() > 13) head.reason = line.substr(13);
  for (const char c : head.reason)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
      return refuse(head, line, "a control character in the reason phrase");
  head.headers = std::move(fields_);

  const http::HeaderField* coding = head.headers.find(FieldId::transfer_encoding);
  const http::HeaderField* length = head.headers.find(FieldId::content_length);
  const bool no_body = head.status < 200 || head.status == 204 || head.status == 304;
  if (coding && length) return refuse(head, length->name, "both Content-Length and Transfer-Encoding");
  if (coding && (head.headers.count(FieldId::transfer_encoding) != 1 ||
                 !base::equal_ignoring_case(coding->value, "chunked") || !version_1_1))
    return refuse(head, coding->name, "a Transfer-Encoding other than \"chunked\"");
  const tl::expected<uint64_t, Fault> value = read_length(head.headers);
  if (!value) return refuse(head, length->name, value.error().detail);
  head.content_length = *value;
  if (!frames_alike(coding ? http::BodyKind::chunked : http::BodyKind::length, head.content_length))
    return refuse(head, (coding ? coding : length)->name, "framing that is not understood by everybody");
  // RFC 9112 6.1, 9110 8.6: these have no framing. Behind an interim response its bytes would be read as the
  // next response.
  const bool frames_nothing =
      (head.status < 200 || head.status == 204) && (coding || head.content_length > 0);
  if (frames_nothing && head.status < 200)
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
  skip_body_ = no_body || method_ == http::Method::head;

  const bool says_close = head.headers.list_contains(FieldId::connection, "close");
  keep_alive_ = version_1_1 ? !says_close : head.headers.list_contains(FieldId::connection, "keep-alive");
  if (frames_nothing || (!skip_body_ && head.body == http::BodyKind::until_close)) keep_alive_ = false;
  events_.on_response(std::move(head));
  return {};
}

}  // namespace postern::http1
