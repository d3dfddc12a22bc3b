#include "bench/http_messages.h"

#include <strings.h>

namespace postern::bench {
namespace {

constexpr std::string_view host = "bench.local";

std::string request_line(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n";
}

std::string repeated(std::string_view pattern, std::size_t size) {
  std::string text;
  while (text.size() < size) text += pattern;
  text.resize(size);
  return text;
}

}  // namespace

std::size_t head_size(std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  return end == std::string_view::npos ? end : end + 4;
}

std::string_view field_value(std::string_view head, std::string_view name) {
  for (std::size_t end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n")) {
    head.remove_prefix(end + 2);
    if (head.size() <= name.size() || head[name.size()] != ':') continue;
    if (strncasecmp(head.data(), name.data(), name.size()) != 0) continue;
    std::string_view value = head.substr(name.size() + 1, head.find("\r\n") - name.size() - 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value;
  }
  return {};
}

std::string small_request(std::string_view path) {
  return request_line(path) + "User-Agent: bench/1\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\r\n";
}

std::string browser_request(std::string_view path) {
  return request_line(path) +
         "Connection: keep-alive\r\n"
         "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/131.0.0.0 Safari/537.36\r\n"
         "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
         "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
         "Accept-Encoding: gzip, deflate, br\r\n"
         "Referer: https://bench.local/orders/2024/index.html?page=3&sort=date\r\n"
         "Cookie: session=" +
         repeated("kJ3vQ9xTz7Lm", 420) + "; preferences=" + repeated("theme.dark.", 160) +
         "; visitor=9f2c1e7a-55d0-4f7e-8a41-0c9be2a7d613\r\n"
         "Sec-Fetch-Dest: document\r\n"
         "Sec-Fetch-Mode: navigate\r\n"
         "Sec-Fetch-Site: same-origin\r\n"
         "Upgrade-Insecure-Requests: 1\r\n"
         "If-None-Match: \"68b1d2-42\"\r\n\r\n";
}

std::string upgrade_request(std::string_view path) {
  return request_line(path) +
         "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://bench.local\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         std::string(websocket_key) + "\r\n\r\n";
}

std::string response(std::string_view content_type, std::size_t body_size) {
  return "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: " +
         std::string(content_type) + "\r\nContent-Length: " + std::to_string(body_size) +
         "\r\nCache-Control: no-cache\r\nETag: \"68b1d2-43\"\r\nX-Request-Id: 4be12c9a77f0\r\n\r\n" +
         repeated("{\"order\":48213,\"state\":\"shipped\",\"lines\":[1,2,3]},", body_size);
}

}  // namespace postern::bench
