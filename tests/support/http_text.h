// HTTP/1.1 messages as plain text, parsed without any code of the gateway: the oracle of tests that check
// what was sent on a connection. It parses only well-formed messages, and says what is wrong with any other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::support {

struct HttpMessage {
  std::string start;  // the first line, without its line end
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  // without its framing
  std::vector<std::pair<std::string, std::string>> trailers;
  std::string wrong;  // what is wrong; empty: the message is well-formed

  std::string method() const { return start.substr(0, start.find(' ')); }
  std::string target() const;
  int status() const;
  bool has(std::string_view name) const { return count(name) > 0; }
  size_t count(std::string_view name) const;
  // All values of a field, joined by ", ".
  std::string field(std::string_view name) const;
};

// Removes one complete message from the front of `text` and returns it; nothing while it is not complete.
std::optional<HttpMessage> take_request(std::string& text);

struct ResponseContext {
  bool to_head = false;  // the response answers a HEAD
  bool ended = false;    // the connection has ended cleanly, which completes a body without a length
};
// Interim responses are returned as separate messages.
std::optional<HttpMessage> take_response(std::string& text, const ResponseContext& context = {});

// A response with this status ("200 OK"), Content-Length and body; `fields` are whole lines with their ends.
std::string response_text(std::string_view body, std::string_view fields = {},
                          std::string_view status = "200 OK");
// Encodes `body` in chunks of `size` bytes; `trailers` are whole lines with their ends.
std::string chunked_text(std::string_view body, size_t size, std::string_view trailers = {});
// Calls `send` with `text` in pieces of 16 KiB: a large text in one chunk makes memory transports slow.
template <class Send>
void in_pieces(std::string_view text, Send&& send) {
  constexpr size_t piece = 16 * 1024;
  for (size_t at = 0; at < text.size(); at += piece) send(text.substr(at, piece));
}
// Bytes that reveal any cut, swap or repetition: 16-byte words that count upwards from `seed`.
std::string counted_bytes(size_t size, uint64_t seed = 0);

}  // namespace postern::support
