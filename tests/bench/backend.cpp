// The benchmark's backend: one thread, edge-triggered epoll. /s, /auth and /jwt answer 200 bytes, /j 10 KB of
// JSON, /ws echoes WebSocket data frames. Prints "port N" once it listens. Argument: port=N (default 0, the
// kernel chooses).
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/http_messages.h"
#include "bench/sockets.h"
#include "bench/websocket_frames.h"

namespace postern::bench {
namespace {

struct Client {
  enum class Protocol { http, websocket };

  Descriptor socket;
  Protocol protocol = Protocol::http;
  std::string input;   ///< the start of a head or frame whose rest has not come yet
  std::string output;  ///< what the socket did not take yet
};

class Backend {
 public:
  explicit Backend(Descriptor listener) : listener_(std::move(listener)), buffer_(1 << 20) {
    poller_.watch(listener_.value(), nullptr);
  }

  [[noreturn]] void run() {
    for (;;) {
      for (const epoll_event& event : poller_.wait(-1)) {
        auto* client = static_cast<Client*>(event.data.ptr);
        if (client == nullptr) {
          accept_all();
        } else if (!serve(*client, (event.events & EPOLLRDHUP) != 0)) {
          clients_.erase(client);  // one event per descriptor and wait, so no later event names it
        }
      }
    }
  }

 private:
  void accept_all() {
    while (Descriptor socket = accept_from(listener_)) {
      auto client = std::make_unique<Client>();
      client->socket = std::move(socket);
      poller_.watch(client->socket.value(), client.get());
      clients_.emplace(client.get(), std::move(client));
    }
  }

  /// False when the client is to be closed.
  bool serve(Client& client, bool ending) {
    reply_.assign(client.output);  // also drops what a client that was closed halfway left
    client.output.clear();
    for (;;) {
      const ssize_t size = recv(client.socket.value(), buffer_.data(), buffer_.size(), 0);
      if (size == 0 || (size < 0 && errno != EAGAIN)) return false;
      if (size < 0) break;
      if (!answer(client, {buffer_.data(), static_cast<std::size_t>(size)})) return false;
      // A short read means the socket is empty, unless the end of the stream was already announced.
      if (static_cast<std::size_t>(size) < buffer_.size() && !ending) break;
    }
    return send_reply(client);
  }

  bool answer(Client& client, std::string_view received) {
    std::string joined;
    if (!client.input.empty()) {
      joined = std::exchange(client.input, {});
      joined += received;
    }
    char* bytes = joined.empty() ? buffer_.data() : joined.data();
    std::size_t left = joined.empty() ? received.size() : joined.size();
    while (left > 0) {
      const long used = client.protocol == Client::Protocol::http ? answer_request(client, {bytes, left})
                                                                  : echo_frame(bytes, left);
      if (used < 0) return false;
      if (used == 0) break;
      bytes += used;
      left -= static_cast<std::size_t>(used);
    }
    client.input.assign(bytes, left);
    return true;
  }

  /// Bytes used, 0 when the head is incomplete, -1 to close.
  long answer_request(Client& client, std::string_view input) {
    const std::size_t size = head_size(input);
    if (size == std::string_view::npos) return 0;
    const std::string_view head = input.substr(0, size);
    if (head.starts_with("GET /s ") || head.starts_with("GET /auth ") || head.starts_with("GET /jwt ")) {
      reply_ += small_;
    } else if (head.starts_with("GET /j ")) {
      reply_ += json_;
    } else if (head.starts_with("GET /ws") && !field_value(head, "sec-websocket-key").empty()) {
      reply_ += "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
      reply_ += "Sec-WebSocket-Accept: " + accept_value(field_value(head, "sec-websocket-key")) + "\r\n\r\n";
      client.protocol = Client::Protocol::websocket;
    } else {
      reply_ += "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    }
    return static_cast<long>(size);
  }

  /// As answer_request. Replies only to whole frames, as applications do.
  long echo_frame(char* bytes, std::size_t size) {
    const auto header = parse_frame_header({bytes, size});
    if (!header || size - header->header_size < header->payload_size) return 0;
    if (header->opcode() == close_opcode || !header->mask) return -1;
    char* payload = bytes + header->header_size;
    apply_mask(payload, header->payload_size, *header->mask);
    append_frame_header(reply_, {header->first_byte, header->payload_size, std::nullopt, 0});
    reply_.append(payload, header->payload_size);
    return static_cast<long>(header->header_size + header->payload_size);
  }

  bool send_reply(Client& client) {
    std::size_t sent = 0;
    while (sent < reply_.size()) {
      const ssize_t size =
          send(client.socket.value(), reply_.data() + sent, reply_.size() - sent, MSG_NOSIGNAL);
      if (size < 0 && errno != EAGAIN) return false;
      if (size < 0) break;
      sent += static_cast<std::size_t>(size);
    }
    client.output.assign(reply_, sent);
    reply_.clear();
    return true;
  }

  Descriptor listener_;
  Poller poller_;
  std::vector<char> buffer_;
  std::string reply_;
  std::unordered_map<Client*, std::unique_ptr<Client>> clients_;
  const std::string small_ = response("text/plain", small_body_size);
  const std::string json_ = response("application/json", json_body_size);
};

}  // namespace
}  // namespace postern::bench

int main(int count, char** arguments) {
  using namespace postern::bench;
  try {
    const std::string_view argument = count > 1 ? arguments[1] : "port=0";
    if (count > 2 || !argument.starts_with("port="))
      throw std::runtime_error("usage: bench_backend [port=N]");
    raise_descriptor_limit();
    Descriptor listener = listen_on_loopback(
        static_cast<std::uint16_t>(std::stoi(std::string(argument.substr(argument.find('=') + 1)))));
    std::printf("port %d\n", local_port(listener));
    std::fflush(stdout);
    Backend(std::move(listener)).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_backend: %s\n", error.what());
    return 1;
  }
}
