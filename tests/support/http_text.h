// HTTP/1.1 messages as plain text, read without any code of the gateway: the oracle of tests that look at
// what went over a wire. It reads well-formed messages only, and says what is wrong with any other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::support {

struct HttpMessage {
  std::string start;  // the first line, without its end
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  // without its framing
  std::vector<std::pair<std::string, std::string>> trailers;
  std::string wrong;  // empty: well-formed

  std::string method() const { return start.substr(0, start.find(' ')); }
  std::string target() const;
  int status() const;
  bool has(std::string_view name) const { return count(name) > 0; }
  size_t count(std::string_view name) const;
  // All values of a field, joined by ", ".
  std::string field(std::string_view name) const;
};

// Takes one whole message off the front of `text`; nothing while it is not complete.
std::optional<HttpMessage> take_request(std::string& text);

struct ResponseContext {
  bool to_head = false;  // it answers a HEAD
  bool ended = false;    // the connection has ended in good order: completes a body that lasts until then
};
// Interim responses are messages of their own.
std::optional<HttpMessage> take_response(std::string& text, const ResponseContext& context = {});

// "HTTP/1.1 200 OK" with Content-Length and this body; `fields` are whole lines with their ends.
std::string response_text(std::string_view body, std::string_view fields = {},
                          std::string_view status = "200 OK");
// `body` in chunks of `size` bytes; `trailers` are whole lines with their ends.
std::string chunked_text(std::string_view body, size_t size, std::string_view trailers = {});
// Calls `send` with `text` in pieces of 16 KiB: a large text in one chunk makes memory transports slow.
template <class Send>
void in_pieces(std::string_view text, Send&& send) {
  constexpr size_t piece = 16 * 1024;
  for (size_t at = 0; at < text.size(); at += piece) send(text.substr(at, piece));
}
// Bytes that tell any cut, swap or repetition: a run of 16-byte words that count upwards from `seed`.
std::string counted_bytes(size_t size, uint64_t seed = 0);

}  // namespace postern::support
