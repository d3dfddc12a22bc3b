#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/stream.h"

namespace postern::bench {

using Clock = std::chrono::steady_clock;

/// What every connection does again and again. The strings outlive the connections, which send from them.
struct Workload {
  enum class Kind { http, echo, idle };  ///< idle: one echo, then silence

  Kind kind = Kind::http;
  std::string upgrade;                ///< the WebSocket handshake; unused for http
  std::vector<std::string> messages;  ///< requests, or one masked frame: one after the other, again and again
  std::string expected_echo;          ///< the frame that must come back
  std::size_t expected_body = 0;      ///< the Content-Length that must come back
};

/// Counts for all connections; latencies only while the window is measured.
struct Tally {
  std::uint32_t ready = 0;  ///< connections that finished their first operation
  std::uint64_t operations = 0;
  std::uint64_t sent = 0;  ///< messages
  bool is_measuring = false;
  std::vector<std::uint32_t> latencies_ns;
};

/// One connection in a closed loop: the next message goes out when the answer to the last has come whole.
/// Throws std::runtime_error when the connection is lost or the answer is not the expected one.
class LoadConnection {
 public:
  LoadConnection(const Workload& workload, Tally& tally, Stream stream)
      : workload_(workload), tally_(tally), stream_(std::move(stream)) {}

  int descriptor() const { return stream_.descriptor(); }

  /// `events` as epoll gives them, edge-triggered; `buffer` is scratch space shared by all connections.
  void on_event(std::uint32_t events, std::span<char> buffer);

 private:
  enum class Phase { opening, upgrading, exchanging, idle };

  void start_loop();
  void send_next();
  void send(std::string_view bytes);
  void flush();
  void consume(std::string_view input);
  void consume_upgrade(std::string_view input);
  void consume_response(std::string_view input);
  void consume_echo(std::string_view input);
  void finish_operation();

  const Workload& workload_;
  Tally& tally_;
  Stream stream_;
  Phase phase_ = Phase::opening;
  bool is_ready_ = false;
  std::string_view unsent_;
  std::string head_;          ///< the start of a head whose rest has not come yet
  std::size_t received_ = 0;  ///< bytes of the current body or echo that have come
  bool is_in_body_ = false;
  Clock::time_point started_{};
};

}  // namespace postern::bench
