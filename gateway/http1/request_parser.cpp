#include "http1/request_parser.h"

#include "base/ascii.h"
#include "http/target.h"
#include "http1/specimen.h"

namespace postern::http1 {
namespace {

using base::Cause;
using http::FieldId;

// `culprit`: a view into the head.
tl::unexpected<Fault> refuse(const http::RequestHead& head, std::string_view culprit, std::string_view detail,
                             Cause cause = Cause::bad_request) {
  const std::string_view text = head.bytes.text();
  return tl::unexpected(
      Fault{cause, detail, specimen_of_line(text, static_cast<size_t>(culprit.data() - text.data()))});
}

// "http://host/path" as a target (RFC 9112 3.2.2): gives the authority, and leaves the origin-form, or the
// asterisk-form for an OPTIONS of the whole server (3.2.4).
tl::expected<std::string_view, Fault> split_absolute_form(http::RequestHead& head) {
  std::string_view& target = head.target;
  for (std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (!base::equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const size_t end = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, end);
    if (end == rest.npos)
      target = head.method == http::Method::options ? "*" : "/";
    else if (rest[end] == '?')
      target = head.arena.keep({"/", rest.substr(end)});
    else
      target = rest.substr(end);
    return authority;
  }
  return refuse(head, target, "the target is neither a path nor an http address");
}

// "Content_Length" and the like: an endpoint that hands fields on as variables could frame the body by it.
bool is_framing_twin(std::string_view name) {
  constexpr std::string_view length = "content-length";
  constexpr std::string_view coding = "transfer-encoding";
  return (name.size() == length.size() && base::equal_as_variable(name, length)) ||
         (name.size() == coding.size() && base::equal_as_variable(name, coding));
}

}  // namespace

tl::expected<void, Fault> RequestParser::read_start_line(std::string_view line,
                                                         http::RequestHead& head) const {
  const size_t first = line.find(' ');
  const size_t second = first == line.npos ? first : line.find(' ', first + 1);
  if (second == line.npos) return refuse(head, line, "the request line is not \"method target version\"");
  head.method_text = line.substr(0, first);
  head.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (version == "HTTP/1.1")
    head.version = http::Version::http1_1;
  else if (version == "HTTP/1.0")
    head.version = http::Version::http1_0;
  else if (version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.')
    return refuse(head, line, "the HTTP version is not served here", Cause::unsupported_version);
  else
    return refuse(head, line, "the request line does not end with an HTTP version");
  if (head.target.size() > limits_.target_size)
    return refuse(head, line, long_start_line(), Cause::target_too_long);
  if (!base::is_token(head.method_text)) return refuse(head, line, "the method is not a token");
  if (head.method_text == "CONNECT")
    return refuse(head, line, "CONNECT is not served", Cause::method_not_allowed);
  head.method = http::method_of(head.method_text);
  return {};
}

tl::expected<void, Fault> RequestParser::read_framing(http::RequestHead& head) const {
  for (const http::HeaderField& field : head.headers)
    if (field.id == FieldId::other && is_framing_twin(field.name))
      return refuse(head, field.name,
                    "a field that CGI and its kin take for Content-Length or Transfer-Encoding");
  const http::HeaderField* coding = head.headers.find(FieldId::transfer_encoding);
  const http::HeaderField* length = head.headers.find(FieldId::content_length);
  if (coding) {
    if (length) return refuse(head, length->name, "both Content-Length and Transfer-Encoding");
    if (head.version == http::Version::http1_0)
      return refuse(head, coding->name, "Transfer-Encoding in HTTP/1.0");
    if (head.headers.count(FieldId::transfer_encoding) != 1 ||
        !base::equal_ignoring_case(coding->value, "chunked"))
      return refuse(head, coding->name, "a Transfer-Encoding other than \"chunked\"");
    head.body = http::BodyKind::chunked;
  } else if (length) {
    const tl::expected<uint64_t, Fault> value = read_length(head.headers);
    if (!value) return refuse(head, length->name, value.error().detail);
    head.content_length = *value;
    head.body = *value > 0 ? http::BodyKind::length : http::BodyKind::none;
  }
  if (!frames_alike(head.body, head.content_length))
    return refuse(head, (coding ? coding : length)->name, "framing that is not understood by everybody");
  if (const http::HeaderField* expect = head.headers.find(FieldId::expect)) {
    if (!base::equal_ignoring_case(expect->value, "100-continue") || head.headers.count(FieldId::expect) != 1)
      return refuse(head, expect->name, "an Expect other than one 100-continue", Cause::expectation_failed);
    head.expects_continue = head.body != http::BodyKind::none && head.version == http::Version::http1_1;
  }
  return {};
}

tl::expected<void, Fault> RequestParser::interpret_head(base::Chunk bytes) {
  http::RequestHead head;
  head.bytes = std::move(bytes);
  const std::string_view text = head.bytes.text();
  const std::string_view line = text.substr(0, text.find("\r\n"));
  if (auto read = read_start_line(line, head); !read) return read;
  head.headers = std::move(fields_);

  const size_t hosts = head.headers.count(FieldId::host);
  if (hosts > 1) return refuse(head, head.headers.find(FieldId::host)->name, "more than one Host field");
  if (hosts == 0 && head.version == http::Version::http1_1) return refuse(head, line, "no Host field");
  if (hosts == 1) head.authority = head.headers.get(FieldId::host);
  if (head.target == "*") {
    if (head.method != http::Method::options)
      return refuse(head, line, "the target \"*\" with a method other than OPTIONS");
  } else if (!head.target.starts_with('/')) {
    const tl::expected<std::string_view, Fault> authority = split_absolute_form(head);
    if (!authority) return tl::unexpected(authority.error());
    if (authority->empty()) return refuse(head, line, "an absolute target without a host");
    // It outranks Host (RFC 9112 3.2.2); where they differ, somebody behind us could read the other one.
    if (hosts == 1 && !base::equal_ignoring_case(head.authority, *authority))
      return refuse(head, line, "the target names another host than Host");
    head.authority = *authority;
  }
  if (!head.authority.empty()) {
    const auto read = http::read_authority(head.authority);
    if (!read) return refuse(head, head.authority, read.error());
  } else if (head.version == http::Version::http1_1) {
    return refuse(head, head.headers.find(FieldId::host)->name, "an empty Host field");
  }

  if (auto framing = read_framing(head); !framing) return framing;

  keep_alive_ = head.version == http::Version::http1_1
                    ? !head.headers.list_contains(FieldId::connection, "close")
                    : head.headers.list_contains(FieldId::connection, "keep-alive");
  // An Upgrade in HTTP/1.0 is passed over (RFC 9110 7.8).
  if (head.version == http::Version::http1_1 && head.headers.find(FieldId::upgrade) &&
      head.headers.list_contains(FieldId::connection, "upgrade")) {
    const bool websocket = head.headers.list_contains(FieldId::upgrade, "websocket");
    head.upgrade = websocket ? http::Upgrade::websocket : http::Upgrade::other;
    if (websocket && head.body != http::BodyKind::none)
      return refuse(head, head.headers.find(FieldId::upgrade)->name, "a WebSocket handshake with a body");
  }
  events_.on_request(std::move(head));
  return {};
}

}  // namespace postern::http1
