#include "support/http_text.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "base/ascii.h"

namespace postern::support {
namespace {

constexpr std::string_view line_end = "\r\n";

using Fields = std::vector<std::pair<std::string, std::string>>;

std::optional<uint64_t> number(std::string_view text, int radix) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool read_field(std::string_view line, Fields& into) {
  const size_t colon = line.find(": ");
  if (colon == line.npos || colon == 0) return false;
  into.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  return true;
}

// Reads lines up to the empty one; returns the bytes used, or nothing when the empty line has not arrived.
std::optional<size_t> read_lines(std::string_view text, std::vector<std::string_view>& lines) {
  size_t at = 0;
  for (;;) {
    const size_t end = text.find(line_end, at);
    if (end == text.npos) return std::nullopt;
    const std::string_view line = text.substr(at, end - at);
    at = end + line_end.size();
    if (line.empty()) return at;
    lines.push_back(line);
  }
}

std::optional<size_t> read_chunked(std::string_view text, HttpMessage& message) {
  std::vector<std::string_view> parts;  // joined at the end, because parsing starts again with every piece
  size_t at = 0;
  for (;;) {
    const size_t end = text.find(line_end, at);
    if (end == text.npos) return std::nullopt;
    const auto size = number(text.substr(at, end - at), 16);
    at = end + line_end.size();
    if (!size) {
      message.wrong = "a chunk without a size";
      return at;
    }
    if (*size == 0) break;
    if (text.size() - at < *size + line_end.size()) return std::nullopt;
    parts.push_back(text.substr(at, *size));
    at += *size;
    if (text.substr(at, line_end.size()) != line_end) message.wrong = "a chunk longer than its size";
    at += line_end.size();
  }
  std::vector<std::string_view> lines;
  const auto used = read_lines(text.substr(at), lines);
  if (!used) return std::nullopt;
  for (std::string_view part : parts) message.body += part;
  for (std::string_view line : lines)
    if (!read_field(line, message.trailers)) message.wrong = "a trailer that is no field";
  return at + *used;
}

// `ended` matters only for a body without a length.
std::optional<HttpMessage> take_message(std::string& text, bool response, const ResponseContext& context) {
  HttpMessage message;
  std::vector<std::string_view> lines;
  const auto head = read_lines(text, lines);
  if (!head) return std::nullopt;
  if (lines.empty()) {
    message.wrong = "an empty line in place of a message";
    text.erase(0, *head);
    return message;
  }
  message.start = lines.front();
  for (size_t i = 1; i < lines.size(); ++i)
    if (!read_field(lines[i], message.fields)) message.wrong = "a line that is no field";
  std::string_view rest = std::string_view(text).substr(*head);
  size_t used = *head;
  const bool bodiless = response && (context.to_head || message.status() < 200 || message.status() == 204 ||
                                     message.status() == 304);
  if (message.has("Content-Length") && message.has("Transfer-Encoding")) message.wrong = "framed twice";
  if (message.count("Content-Length") > 1) message.wrong = "more than one length";
  if (bodiless) {
    // complete
  } else if (message.has("Transfer-Encoding")) {
    if (message.field("Transfer-Encoding") != "chunked") message.wrong = "an unknown coding";
    const auto chunked = read_chunked(rest, message);
    if (!chunked) return std::nullopt;
    used += *chunked;
  } else if (message.has("Content-Length")) {
    const auto length = number(message.field("Content-Length"), 10);
    if (!length) message.wrong = "a length that is no number";
    if (rest.size() < length.value_or(0)) return std::nullopt;
    message.body = rest.substr(0, length.value_or(0));
    used += message.body.size();
  } else if (response) {
    if (!context.ended) return std::nullopt;
    message.body = rest;
    used = text.size();
  }
  text.erase(0, used);
  return message;
}

}  // namespace

std::string HttpMessage::target() const {
  const size_t first = start.find(' ');
  const size_t second = start.rfind(' ');
  return first == start.npos || second <= first ? std::string() : start.substr(first + 1, second - first - 1);
}

int HttpMessage::status() const {
  return start.starts_with("HTTP/1.1 ") ? static_cast<int>(number(start.substr(9, 3), 10).value_or(0)) : 0;
}

size_t HttpMessage::count(std::string_view name) const {
  size_t found = 0;
  for (const auto& [field_name, value] : fields) found += base::equal_ignoring_case(field_name, name) ? 1 : 0;
  return found;
}

std::string HttpMessage::field(std::string_view name) const {
  std::string joined;
  for (const auto& [field_name, value] : fields) {
    if (!base::equal_ignoring_case(field_name, name)) continue;
    if (!joined.empty()) joined += ", ";
    joined += value;
  }
  return joined;
}

std::optional<HttpMessage> take_request(std::string& text) { return take_message(text, false, {}); }

std::optional<HttpMessage> take_response(std::string& text, const ResponseContext& context) {
  return take_message(text, true, context);
}

std::string response_text(std::string_view body, std::string_view fields, std::string_view status) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append(line_end).append(fields);
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return text.append(body);
}

std::string chunked_text(std::string_view body, size_t size, std::string_view trailers) {
  std::string text;
  for (size_t at = 0; at < body.size(); at += size) {
    const std::string_view chunk = body.substr(at, size);
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), chunk.size(), 16);
    text.append(digits.data(), end.ptr).append(line_end).append(chunk).append(line_end);
  }
  return text.append("0\r\n").append(trailers).append(line_end);
}

std::string counted_bytes(size_t size, uint64_t seed) {
  std::string text;
  text.reserve(size + 16);
  for (uint64_t word = seed; text.size() < size; ++word) {
    std::array<char, 17> digits;
    std::snprintf(digits.data(), digits.size(), "%015llx.", static_cast<unsigned long long>(word));
    text.append(digits.data(), 16);
  }
  text.resize(size);
  return text;
}

}  // namespace postern::support
