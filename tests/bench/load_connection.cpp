#include "bench/load_connection.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "bench/http_messages.h"
#include "bench/websocket_frames.h"

namespace postern::bench {
namespace {

void require(bool expected, std::string_view what, std::string_view received) {
  if (expected) return;
  const std::string_view first_line = received.substr(0, received.find('\r'));
  throw std::runtime_error(std::string(what) + ": " + std::string(first_line.substr(0, 80)));
}

bool has_status(std::string_view head, std::string_view status) {
  constexpr std::string_view version = "HTTP/1.1 ";
  return head.starts_with(version) && head.substr(version.size()).starts_with(status);
}

}  // namespace

void LoadConnection::on_event(std::uint32_t events, std::span<char> buffer) {
  if (phase_ == Phase::opening) {
    if (!stream_.finish_opening()) return;
    if (workload_.kind == Workload::Kind::http) {
      start_loop();
    } else {
      phase_ = Phase::upgrading;
      send(workload_.upgrade);
    }
  } else {
    flush();
  }
  const bool is_ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  for (;;) {
    const std::size_t size = stream_.read(buffer);
    if (size == 0) return;
    consume({buffer.data(), size});
    if (stream_.is_drained_by(size, buffer.size()) && !is_ending) return;
  }
}

void LoadConnection::start_loop() {
  phase_ = Phase::exchanging;
  started_ = Clock::now();
  send_next();
}

void LoadConnection::send_next() { send(workload_.messages[tally_.sent++ % workload_.messages.size()]); }

void LoadConnection::send(std::string_view bytes) {
  unsent_ = bytes;
  flush();
}

void LoadConnection::flush() {
  while (!unsent_.empty()) {
    const std::size_t sent = stream_.write(unsent_);
    if (sent == 0) return;
    unsent_.remove_prefix(sent);
  }
}

void LoadConnection::consume(std::string_view input) {
  switch (phase_) {
    case Phase::upgrading: return consume_upgrade(input);
    case Phase::exchanging:
      return workload_.kind == Workload::Kind::http ? consume_response(input) : consume_echo(input);
    case Phase::opening:
    case Phase::idle: throw std::runtime_error("bytes nobody asked for");
  }
}

void LoadConnection::consume_upgrade(std::string_view input) {
  head_ += input;
  const std::size_t size = head_size(head_);
  if (size == std::string::npos) return;
  require(has_status(head_, "101"), "the WebSocket handshake was refused", head_);
  require(field_value(head_, "sec-websocket-accept") == accept_value(websocket_key), "wrong accept value",
          head_);
  require(size == head_.size(), "frames nobody asked for", head_);
  std::string().swap(head_);
  start_loop();
}

void LoadConnection::consume_response(std::string_view input) {
  if (!is_in_body_) {
    std::string_view head = input;
    if (!head_.empty()) head = head_ += input;
    const std::size_t size = head_size(head);
    if (size == std::string_view::npos) {
      if (head_.empty()) head_ = input;
      return;
    }
    const std::string_view length = field_value(head.substr(0, size), "content-length");
    std::size_t body_size = 0;
    std::from_chars(length.data(), length.data() + length.size(), body_size);
    require(has_status(head, "200"), "not a 200", head);
    require(body_size == workload_.expected_body, "not the expected Content-Length", length);
    received_ = head.size() - size;
    is_in_body_ = true;
    head_.clear();
  } else {
    received_ += input.size();
  }
  require(received_ <= workload_.expected_body, "more bytes than one response has", input);
  if (received_ < workload_.expected_body) return;
  is_in_body_ = false;
  finish_operation();
}

void LoadConnection::consume_echo(std::string_view input) {
  const std::string_view expected = std::string_view(workload_.expected_echo).substr(received_);
  if (!expected.starts_with(input)) throw std::runtime_error("the echo is not what was sent");
  received_ += input.size();
  if (received_ == workload_.expected_echo.size()) finish_operation();
}

void LoadConnection::finish_operation() {
  received_ = 0;
  ++tally_.operations;
  if (!std::exchange(is_ready_, true)) ++tally_.ready;
  if (workload_.kind == Workload::Kind::idle) {
    phase_ = Phase::idle;
    return;
  }
  const Clock::time_point now = Clock::now();
  if (tally_.is_measuring) {
    const auto latency = std::chrono::duration_cast<std::chrono::nanoseconds>(now - started_).count();
    tally_.latencies_ns.push_back(static_cast<std::uint32_t>(std::min<long>(latency, UINT32_MAX)));
  }
  started_ = now;
  send_next();
}

}  // namespace postern::bench
