// A connection in memory: two transports on one fixture that behave like TCP sockets (net/tcp_transport.h).
// Between them is a network that a test can make slow, narrow, fragmented, silent or broken at any byte.
//
//   TurnFixture fixture;
//   MemoryPair pair = connect_in_memory(fixture);
//   pair.wire->to_second.pieces = {1, 3};       // deliver in pieces of 1 and 3 bytes, over and over
//   ServerConnection server(fixture.turn, std::move(pair.second), ...);
//   ScriptedPeer client(std::move(pair.first));
//   client.send("GET / HTTP/1.1\r\n...");
//   fixture.settle();
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/chunk.h"
#include "net/transport.h"
#include "support/turn_fixture.h"

namespace postern::support {

// One direction of a connection. A test may change its behaviour at any time, and read its counters.
struct Passage {
  // --- behaviour ---
  std::vector<size_t> pieces;         // sizes of deliveries, used cyclically; empty: all that has arrived
  Duration delay = Duration::zero();  // delays every byte, and the end
  size_t capacity = 256 * 1024;       // bytes in transit at most; what exceeds it is the writer's backlog
  bool stalled = false;               // while true, nothing arrives
  std::optional<uint64_t> reset_at;   // after this many bytes have arrived, both ends receive a reset
  std::optional<uint64_t> end_at;     // after this many bytes the reader receives an end, and no more bytes

  // --- counters ---
  uint64_t sent = 0;       // accepted from the writer
  uint64_t delivered = 0;  // delivered to the reader
  bool ended = false;      // the reader was notified of the end

 private:
  friend class MemoryTransport;
  struct Travelling {
    base::Chunk chunk;  // empty: marks the end
    Instant due;
  };
  std::deque<Travelling> travelling_;
  size_t travelling_bytes_ = 0;
  size_t next_piece_ = 0;
  size_t piece_left_ = 0;
};

// The network between the two ends; it exists as long as an end or the test owns it.
struct Wire {
  Passage to_first;
  Passage to_second;
  bool reset = false;         // by either end, or by a test: the connection is broken for both ends
  bool first_closed = false;  // the transport is gone
  bool second_closed = false;
  bool first_paused = true;  // whether the reader is paused, for assertions about backpressure
  bool second_paused = true;
};

struct MemoryPair {
  std::unique_ptr<net::Transport> first;
  std::unique_ptr<net::Transport> second;
  std::shared_ptr<Wire> wire;
};

struct MemoryPeers {
  net::Peer first;   // the peer address that `second` has
  net::Peer second;  // the peer address that `first` has
};

MemoryPair connect_in_memory(TurnFixture& turns, const MemoryPeers& peers = {});

// The other end in a test: sends what the test tells it to, and records what it receives.
class ScriptedPeer final : private net::Transport::Receiver {
 public:
  explicit ScriptedPeer(std::unique_ptr<net::Transport> transport) : transport_(std::move(transport)) {
    transport_->start(*this);
  }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  void send(std::string_view text) {
    if (transport_) transport_->write(base::Chunk::copy_of(text));
  }
  void finish() { transport_->finish(); }  // half-close: our direction ends; the other stays open
  void leave() { transport_.reset(); }     // closes both directions
  void reset() {                           // closes with a reset, as a crashed process does
    transport_->abort();
    transport_.reset();
  }
  net::Transport& transport() { return *transport_; }
  std::unique_ptr<net::Transport> take_transport() { return std::move(transport_); }

  // Everything that was received so far and not taken.
  const std::string& heard() const { return heard_; }
  std::string take_heard() { return std::exchange(heard_, {}); }
  bool ended() const { return ended_; }    // received a clean end
  bool broken() const { return broken_; }  // received a reset, or another failure that is not an end
  int drained() const { return drained_; }
  int sent() const { return sent_; }              // number of on_sent() calls
  std::function<void(ScriptedPeer&)> on_hearing;  // called after each delivery; may send

 private:
  void on_bytes(base::Bytes bytes) override {
    heard_ += base::text_of(bytes);
    if (on_hearing) on_hearing(*this);
  }
  void on_drained() override { ++drained_; }
  void on_sent() override { ++sent_; }
  void on_end() override { ended_ = true; }
  void on_closed(base::Error) override { broken_ = true; }

  std::unique_ptr<net::Transport> transport_;
  std::string heard_;
  bool ended_ = false;
  bool broken_ = false;
  int drained_ = 0;
  int sent_ = 0;
};

}  // namespace postern::support
