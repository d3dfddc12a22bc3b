// The benchmark's load generator: one thread, closed loop, one JSON line as its result.
//
//   bench_load mode=http port=8080 path=/s body=200 [browser=1] [tokens=FILE] connections=64 ...
//   bench_load mode=echo port=8080 size=64 connections=100 ...     WebSocket ping-pong, on /ws or path=
//   bench_load mode=idle port=8080 size=1024 connections=5000      one echo each, then silence
//
// tokens: each request carries the token of the next line of that file. Also: json=1 (echo and idle: text of
// JSON in place of binary messages), tls=1, seconds=1.5 and warm_up=0.4 (http and echo), pids=1,2 (whose
// processor time in the measured window is printed). idle prints its line when all connections are ready and
// holds them until its input ends; it then prints a second line. Any lost connection or wrong answer ends the
// run with {"error": ...} and status 1.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/http_messages.h"
#include "bench/load_connection.h"
#include "bench/processor_time.h"
#include "bench/websocket_frames.h"

namespace postern::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds opening_limit{60};
constexpr Seconds holding_limit{60};
constexpr std::uint32_t opening_at_once = 64;
constexpr FrameMask mask{0x4d, 0xe1, 0x27, 0x9b};

/// The key=value arguments. Throws for a key it does not know.
class Arguments {
 public:
  Arguments(int count, char** arguments) {
    for (int index = 1; index < count; ++index) {
      const std::string argument = arguments[index];
      const std::size_t split = argument.find('=');
      const auto known = values_.find(argument.substr(0, split));
      if (split == std::string::npos || known == values_.end()) {
        throw std::runtime_error("unknown argument " + argument);
      }
      known->second = argument.substr(split + 1);
    }
  }

  const std::string& text(const std::string& key) const { return values_.at(key); }
  double number(const std::string& key) const { return std::stod(values_.at(key)); }
  bool is_set(const std::string& key) const { return values_.at(key) == "1"; }

  std::vector<pid_t> pids() const {
    std::vector<pid_t> result;
    std::istringstream list(values_.at("pids"));
    for (std::string item; std::getline(list, item, ',');) result.push_back(std::stoi(item));
    return result;
  }

 private:
  std::map<std::string, std::string> values_{
      {"mode", "http"},      {"port", "0"},      {"path", "/s"},    {"body", "200"}, {"browser", "0"},
      {"connections", "64"}, {"size", "64"},     {"json", "0"},     {"tls", "0"},    {"tokens", ""},
      {"pids", ""},          {"seconds", "1.5"}, {"warm_up", "0.4"}};
};

/// The request with each token of the file, or as it is where no file is named.
std::vector<std::string> with_tokens(const std::string& request, const std::string& file) {
  if (file.empty()) return {request};
  std::vector<std::string> requests;
  std::ifstream lines(file);
  for (std::string token; std::getline(lines, token);)
    requests.push_back(request.substr(0, request.size() - 2) + "Authorization: Bearer " + token + "\r\n\r\n");
  if (requests.empty()) throw std::runtime_error("no tokens in " + file);
  return requests;
}

Workload make_workload(const Arguments& arguments) {
  Workload workload;
  const std::string& mode = arguments.text("mode");
  const std::string& path = arguments.text("path");
  if (mode == "http") {
    const std::string request = arguments.is_set("browser") ? browser_request(path) : small_request(path);
    workload.messages = with_tokens(request, arguments.text("tokens"));
    workload.expected_body = static_cast<std::size_t>(arguments.number("body"));
    return workload;
  }
  if (mode != "echo" && mode != "idle") throw std::runtime_error("unknown mode " + mode);
  workload.kind = mode == "echo" ? Workload::Kind::echo : Workload::Kind::idle;
  workload.upgrade = upgrade_request(path == "/s" ? "/ws" : path);

  const bool json = arguments.is_set("json");
  const std::uint8_t first_byte = json ? final_text : final_binary;
  std::string payload = json ? R"({"type":"tick","data":")" : "";
  const std::string_view end = json ? R"("})" : "";
  while (payload.size() + end.size() < arguments.number("size"))
    payload.push_back(static_cast<char>('a' + payload.size() % 23));
  payload += end;
  append_frame_header(workload.expected_echo, {first_byte, payload.size(), std::nullopt, 0});
  workload.expected_echo += payload;
  std::string& frame = workload.messages.emplace_back();
  append_frame_header(frame, {first_byte, payload.size(), mask, 0});
  apply_mask(payload.data(), payload.size(), mask);
  frame += payload;
  return workload;
}

class LoadGenerator {
 public:
  explicit LoadGenerator(const Arguments& arguments)
      : arguments_(arguments),
        workload_(make_workload(arguments)),
        port_(static_cast<std::uint16_t>(arguments.number("port"))),
        wanted_(static_cast<std::uint32_t>(arguments.number("connections"))),
        buffer_(1 << 18) {
    if (arguments.is_set("tls")) tls_ = client_tls_context();
    connections_.reserve(wanted_);
    tally_.latencies_ns.reserve(1 << 20);
  }

  void open_all() {
    const Clock::time_point limit = Clock::now() + std::chrono::duration_cast<Clock::duration>(opening_limit);
    while (tally_.ready < wanted_) {
      while (connections_.size() < wanted_ && connections_.size() < tally_.ready + opening_at_once)
        open_one();
      turn();
      if (Clock::now() > limit) {
        throw std::runtime_error("only " + std::to_string(tally_.ready) +
                                 " connections became ready in time");
      }
    }
  }

  void run_for(Seconds duration) {
    const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(duration);
    while (Clock::now() < end) turn();
  }

  void measure() {
    const std::vector<pid_t> pids = arguments_.pids();
    run_for(Seconds(arguments_.number("warm_up")));
    const std::uint64_t operations_before = tally_.operations;
    const std::uint64_t time_before = processor_time_ns(pids);
    const Clock::time_point start = Clock::now();
    tally_.is_measuring = true;
    run_for(Seconds(arguments_.number("seconds")));
    const std::uint64_t time = processor_time_ns(pids) - time_before;
    const double seconds = Seconds(Clock::now() - start).count();
    std::printf(
        "{\"operations\": %lu, \"seconds\": %.6f, \"processor_ns\": %lu, \"p50_us\": %.1f, \"p99_us\": "
        "%.1f}\n",
        tally_.operations - operations_before, seconds, time, latency_us(0.50), latency_us(0.99));
  }

  void hold() {
    std::printf("{\"ready\": %u}\n", tally_.ready);
    std::fflush(stdout);
    poller_.watch(STDIN_FILENO, nullptr);
    const Clock::time_point limit = Clock::now() + std::chrono::duration_cast<Clock::duration>(holding_limit);
    while (!is_released_ && Clock::now() < limit) turn();
    std::printf("{\"held\": %u}\n", tally_.ready);  // a connection lost meanwhile would have thrown
  }

 private:
  void open_one() {
    const auto index = static_cast<std::uint32_t>(connections_.size());
    connections_.push_back(std::make_unique<LoadConnection>(
        workload_, tally_, Stream(connect_to_loopback(port_, index), tls_.get())));
    poller_.watch(connections_.back()->descriptor(), connections_.back().get());
  }

  void turn() {
    for (const epoll_event& event : poller_.wait(20)) {
      if (event.data.ptr == nullptr) {
        is_released_ = true;
      } else {
        static_cast<LoadConnection*>(event.data.ptr)->on_event(event.events, buffer_);
      }
    }
  }

  double latency_us(double quantile) {
    auto& latencies = tally_.latencies_ns;
    if (latencies.empty()) return 0;
    const auto position =
        latencies.begin() + static_cast<long>(quantile * static_cast<double>(latencies.size() - 1));
    std::nth_element(latencies.begin(), position, latencies.end());
    return *position / 1000.0;
  }

  const Arguments& arguments_;
  const Workload workload_;
  const std::uint16_t port_;
  const std::uint32_t wanted_;
  Tally tally_;
  TlsContext tls_;
  Poller poller_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  bool is_released_ = false;
};

}  // namespace
}  // namespace postern::bench

int main(int count, char** arguments) {
  using namespace postern::bench;
  try {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    const Arguments parsed(count, arguments);
    raise_descriptor_limit();
    LoadGenerator generator(parsed);
    generator.open_all();
    if (parsed.text("mode") == "idle") {
      generator.hold();
    } else {
      generator.measure();
    }
  } catch (const std::exception& error) {
    std::string text = error.what();
    std::replace_if(
        text.begin(), text.end(), [](char byte) { return byte < ' ' || byte == '"' || byte == '\\'; }, ' ');
    std::printf("{\"error\": \"%s\"}\n", text.c_str());
    return 1;
  }
}
