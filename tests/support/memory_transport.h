// A connection in memory: two transports on one fixture, with the manners of a TCP socket
// (net/tcp_transport.h) and, between them, a network that a test can make slow, narrow, choppy, silent or
// broken at any byte.
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

// One direction of a connection. A test may change its conduct at any time, and look at its counters.
struct Passage {
  // --- conduct ---
  std::vector<size_t> pieces;         // sizes of deliveries, over and over; empty: all that is there
  Duration delay = Duration::zero();  // of every byte, and of the end
  size_t capacity = 256 * 1024;       // bytes that travel at once; what is beyond is the writer's backlog
  bool stalled = false;               // nothing arrives until it is false again
  std::optional<uint64_t> reset_at;   // after this many bytes arrived both ends see a reset
  std::optional<uint64_t> end_at;     // after this many bytes the reader sees an end, and no more bytes

  // --- counters ---
  uint64_t sent = 0;       // taken from the writer
  uint64_t delivered = 0;  // given to the reader
  bool ended = false;      // the reader was told the end

 private:
  friend class MemoryTransport;
  struct Travelling {
    base::Chunk chunk;  // empty: the end
    Instant due;
  };
  std::deque<Travelling> travelling_;
  size_t travelling_bytes_ = 0;
  size_t next_piece_ = 0;
  size_t piece_left_ = 0;
};

// What lies between the ends; outlives both for as long as somebody holds it.
struct Wire {
  Passage to_first;
  Passage to_second;
  bool reset = false;         // by either end, or by a test: both ends see the connection broken
  bool first_closed = false;  // the transport is gone
  bool second_closed = false;
  bool first_paused = true;  // what the reader wants, for assertions about backpressure
  bool second_paused = true;
};

struct MemoryPair {
  std::unique_ptr<net::Transport> first;
  std::unique_ptr<net::Transport> second;
  std::shared_ptr<Wire> wire;
};

struct MemoryPeers {
  net::Peer first;   // what `second` sees as its peer
  net::Peer second;  // what `first` sees
};

MemoryPair connect_in_memory(TurnFixture& turns, const MemoryPeers& peers = {});

// The other end in a test: says what it is told, remembers what it hears.
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
  void finish() { transport_->finish(); }  // our direction ends; the other goes on
  void leave() { transport_.reset(); }     // closes both directions
  void reset() {                           // as a crashed process does
    transport_->abort();
    transport_.reset();
  }
  net::Transport& transport() { return *transport_; }
  std::unique_ptr<net::Transport> take_transport() { return std::move(transport_); }

  // Everything that was heard so far and not yet taken.
  const std::string& heard() const { return heard_; }
  std::string take_heard() { return std::exchange(heard_, {}); }
  bool ended() const { return ended_; }    // a clean end
  bool broken() const { return broken_; }  // a reset, or whatever else cannot be taken for an end
  int drained() const { return drained_; }
  int sent() const { return sent_; }              // how often it was told so
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
