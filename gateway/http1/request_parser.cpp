#include "http1/request_parser.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/check.h"
#include "base/error.h"
#include "http/target.h"
#include "http1/excerpt.h"
#include "http1/refused_head.h"
#include "http1/websocket_key.h"
#include "net/proxy_protocol.h"

namespace postern::http1 {
namespace {

using base::Cause;
using http::FieldId;

// `culprit` is a view into the head.
tl::unexpected<http::Fault> refuse(const http::RequestHead& head, std::string_view culprit,
                                   std::string_view detail, Cause cause = Cause::bad_request) {
  const std::string_view text = head.bytes.text();
  return tl::unexpected(http::Fault{
      cause, std::string(detail),
      excerpt_of_line(text, static_cast<size_t>(culprit.data() - text.data()), StartLine::request)});
}

constexpr std::string_view long_target = "the request target is longer than the limit";
constexpr std::string_view proxy_header =
    "a PROXY protocol header, from an address that this listener does not trust with one";

// Bytes of other protocols that are sent to a plain HTTP port by mistake.
constexpr auto request_signatures = std::to_array<Signature>({
    {"\x16\x03", "a TLS handshake on a plain port", Cause::tls_unexpected},
    {net::proxy_v2_signature, proxy_header, Cause::bad_request},
});

bool may_be_in_target(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f;  // browsers send non-ASCII characters unescaped
}

// Whether there is a tab around the value: the grammar allows it, but readers disagree about it.
bool has_tabs_around(const http::HeaderField& field) {
  const char* const colon = field.name.data() + field.name.size();
  const char* const value_end = field.value.data() + field.value.size();
  const char* line_end = value_end;
  while (*line_end == ' ' || *line_end == '\t') ++line_end;  // the CR follows
  return std::find(colon, field.value.data(), '\t') != field.value.data() ||
         std::find(value_end, line_end, '\t') != line_end;
}

// Splits a target "http://host/path" (RFC 9112 3.2.2): returns the authority, and leaves the origin-form in
// the head, or the asterisk-form for an OPTIONS request of the whole server (3.2.4).
tl::expected<std::string_view, http::Fault> split_absolute_form(http::RequestHead& head) {
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

const http::HeaderField& last_of(const http::Headers& headers, FieldId id) {
  const http::HeaderField* last = nullptr;
  for (const http::HeaderField& field : headers)
    if (field.id == id) last = &field;
  base::check(last != nullptr, "there is one");
  return *last;
}

// Names like "Content_Length": an endpoint that passes fields on as variables could frame the body by such a
// field.
bool is_framing_twin(std::string_view name) {
  constexpr std::string_view length = "content-length";
  constexpr std::string_view coding = "transfer-encoding";
  return (name.size() == length.size() && base::equal_as_variable(name, length)) ||
         (name.size() == coding.size() && base::equal_as_variable(name, coding));
}

}  // namespace

RequestParser::RequestParser(const http::MessageLimits& limits, Events& events)
    : MessageParser(Reading::strict, request_signatures, limits), events_(events) {}

http::Fault RequestParser::too_large(bool in_start_line) const {
  if (in_start_line) return {Cause::target_too_long, std::string(long_target), {}};
  return {Cause::head_too_large, "the header fields are larger than the limit", {}};
}

http::RequestHead RequestParser::refused_head() const {
  return read_refused_head(refused_bytes_.empty() ? gathered() : refused_bytes_.text());
}

tl::expected<void, http::Fault> RequestParser::read_start_line(std::string_view line,
                                                               http::RequestHead& head) const {
  if (line.find_first_not_of('\r') == line.npos)
    return refuse(head, line, "empty lines instead of a start line");
  for (std::string_view family : {"PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN"})
    if (line.starts_with(family)) return refuse(head, line, proxy_header);
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
  else if (line == "PRI * HTTP/2.0")
    return refuse(head, line, "the client speaks HTTP/2 without asking; HTTP/1.1 is served here",
                  Cause::unsupported_version);
  else if (version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.')
    return refuse(head, line, "the HTTP version is not served here", Cause::unsupported_version);
  else
    return refuse(head, line, "the request line does not end with an HTTP version");
  if (head.target.size() > limits_.target_size)
    return refuse(head, line, long_target, Cause::target_too_long);
  if (!base::is_token(head.method_text)) return refuse(head, line, "the method is not a token");
  if (head.method_text.size() > http::method_size_max)
    return refuse(head, line, "the method is longer than 64 bytes");
  if (head.method_text == "CONNECT")
    return refuse(head, line, "CONNECT is not served", Cause::connect_not_served);
  const auto bad = std::find_if_not(head.target.begin(), head.target.end(),
                                    [](char letter) { return may_be_in_target(letter); });
  if (head.target.empty() || bad != head.target.end())
    return refuse(head, head.target.substr(static_cast<size_t>(bad - head.target.begin())),
                  "the target has characters that a target cannot have");
  head.method = http::method_of(head.method_text);
  return {};
}

tl::expected<void, http::Fault> RequestParser::read_framing(http::RequestHead& head) const {
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
    const size_t lengths = head.headers.count(FieldId::content_length);
    const std::optional<uint64_t> value = read_length(length->value);
    if (!value || lengths != 1)
      return refuse(head, (value ? last_of(head.headers, FieldId::content_length) : *length).name,
                    "Content-Length is contradictory or not a number");
    head.content_length = *value;
    head.body = *value > 0 ? http::BodyKind::length : http::BodyKind::none;
  }
  const http::HeaderField* framing = coding ? coding : length;
  if (framing && has_tabs_around(*framing))
    return refuse(head, framing->name, "framing that is not understood by everybody");
  if (const http::HeaderField* expect = head.headers.find(FieldId::expect)) {
    if (!base::equal_ignoring_case(expect->value, "100-continue") || head.headers.count(FieldId::expect) != 1)
      return refuse(head, expect->name, "an Expect other than one 100-continue", Cause::expectation_failed);
    head.expects_continue = head.body != http::BodyKind::none && head.version == http::Version::http1_1;
  }
  return {};
}

tl::expected<void, http::Fault> RequestParser::interpret_head(base::Chunk bytes) {
  http::RequestHead head;
  head.bytes = std::move(bytes);
  if (auto read = read_head(head); !read) {
    refused_bytes_ = std::move(head.bytes);
    return read;
  }
  expect_body(head.body, head.content_length);
  events_.on_request(std::move(head));
  return {};
}

tl::expected<void, http::Fault> RequestParser::read_head(http::RequestHead& head) {
  const std::string_view text = head.bytes.text();
  const std::string_view line = text.substr(0, text.find("\r\n"));
  if (auto read = read_start_line(line, head); !read) return read;
  if (auto read = read_head_fields(head.bytes, line.size() + 2); !read) return read;
  head.headers = std::move(fields_);

  const size_t hosts = head.headers.count(FieldId::host);
  if (hosts > 1) return refuse(head, head.headers.find(FieldId::host)->name, "more than one Host field");
  if (hosts == 0 && head.version == http::Version::http1_1) return refuse(head, line, "no Host field");
  if (hosts == 1) head.authority = head.headers.get(FieldId::host);
  if (head.target == "*") {
    if (head.method != http::Method::options)
      return refuse(head, line, "the target \"*\" with a method other than OPTIONS");
  } else if (!head.target.starts_with('/')) {
    const tl::expected<std::string_view, http::Fault> authority = split_absolute_form(head);
    if (!authority) return tl::unexpected(authority.error());
    if (authority->empty()) return refuse(head, line, "an absolute target without a host");
    // The target's authority takes precedence over Host (RFC 9112 3.2.2). Where they differ, a server behind
    // the gateway could use the other one.
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

  // "close" applies to both versions, and takes precedence (RFC 9112 9.3).
  keep_alive_ = !head.headers.list_contains(FieldId::connection, "close") &&
                (head.version == http::Version::http1_1 ||
                 head.headers.list_contains(FieldId::connection, "keep-alive"));
  // An Upgrade field in HTTP/1.0 is ignored (RFC 9110 7.8).
  if (head.version == http::Version::http1_1 && head.headers.find(FieldId::upgrade) &&
      head.headers.list_contains(FieldId::connection, "upgrade")) {
    const bool websocket = head.headers.list_contains(FieldId::upgrade, "websocket");
    head.upgrade = websocket ? http::Upgrade::websocket : http::Upgrade::other;
    if (websocket) head.upgrade_problem = websocket_key_problem(head);
    if (websocket && head.body != http::BodyKind::none)
      return refuse(head, head.headers.find(FieldId::upgrade)->name, "a WebSocket handshake with a body");
  }
  return {};
}

}  // namespace postern::http1
