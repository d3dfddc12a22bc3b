#include "support/memory_transport.h"

#include <algorithm>

#include "base/error.h"
#include "net/put_back.h"

namespace postern::support {

class MemoryTransport final : public net::Transport,
                              private Filler,
                              private base::Flushable,
                              private base::Timer {
 public:
  MemoryTransport(TurnFixture& turns, std::shared_ptr<Wire> wire, bool first, const net::Peer& peer)
      : turns_(turns),
        wire_(std::move(wire)),
        incoming_(first ? wire_->to_first : wire_->to_second),
        outgoing_(first ? wire_->to_second : wire_->to_first),
        closed_(first ? wire_->first_closed : wire_->second_closed),
        other_closed_(first ? wire_->second_closed : wire_->first_closed),
        paused_(first ? wire_->first_paused : wire_->second_paused),
        peer_(peer) {
    turns_.add(*this);
  }

  ~MemoryTransport() override {
    closed_ = true;
    // A socket that is closed with unread bytes, or after abort(), sends a reset. A backlog that never
    // reached the kernel is lost.
    if (aborted_ || incoming_.travelling_bytes_ > 0)
      wire_->reset = true;
    else if (sending_ != Sending::finished)
      travel({});
  }

  void start(Receiver& receiver) override {
    receiver_ = &receiver;
    paused_ = false;
    hang_up_told_ = reset_told_ = false;
  }
  void write(base::Chunk chunk) override {
    if (broken_ || chunk.empty()) return;
    unsent_.push(std::move(chunk));
    if (unsent_.bytes() > high_water) congested_ = true;
    turns_.turn.flush_later(*this);
  }
  void write(base::Bytes bytes) override {
    if (broken_ || bytes.empty()) return;
    if (unsent_.empty()) {
      if (lost()) return break_now();
      const size_t fits = std::min(bytes.size(), room());
      travel(base::Chunk::copy_of(bytes.first(fits)));
      bytes = bytes.subspan(fits);
      if (bytes.empty()) return;
    }
    unsent_.push_copy(bytes);
    if (unsent_.bytes() > high_water) congested_ = true;
    turns_.turn.flush_later(*this);
  }
  size_t backlog() const override { return unsent_.bytes(); }
  void tell_when_sent() override {
    tell_sent_ = true;
    turns_.turn.flush_later(*this);
  }
  Transit transit() const override {
    return {outgoing_.delivered, unsent_.bytes() + outgoing_.travelling_bytes_};
  }
  void pause() override { paused_ = true; }
  void resume() override { paused_ = false; }
  void abort() override { aborted_ = true; }
  void finish() override {
    if (sending_ != Sending::open) return;
    sending_ = Sending::finishing;
    turns_.turn.flush_later(*this);
  }
  void unread(base::Chunk bytes) override { put_back_.add(std::move(bytes)); }
  const net::Peer& peer() const override { return peer_; }

 private:
  enum class Sending : uint8_t { open, finishing, finished };

  void on_deadline() override {}  // its only use is to stop the clock when something becomes due

  size_t room() const {
    return outgoing_.travelling_bytes_ >= outgoing_.capacity
               ? 0
               : outgoing_.capacity - outgoing_.travelling_bytes_;
  }
  // Whether the other end is closed or the connection is cut: bytes sent now cause a reset.
  bool lost() const { return wire_->reset || other_closed_; }

  void travel(base::Chunk chunk) {
    const size_t size = chunk.size();
    const bool nothing = size == 0 && sending_ != Sending::finished && !closed_;
    if (nothing) return;
    outgoing_.sent += size;
    outgoing_.travelling_bytes_ += size;
    outgoing_.travelling_.push_back({std::move(chunk), turns_.turn.now + outgoing_.delay});
  }

  void flush() override {
    if (broken_) return;
    if (!unsent_.empty() && lost()) return break_now();
    while (!unsent_.empty() && room() > 0) {
      base::Chunk chunk = unsent_.pop();
      if (chunk.size() > room()) {
        const size_t fits = room();
        base::Chunk rest = base::Chunk::copy_of(chunk.bytes().subspan(fits));
        chunk.truncate(fits);
        base::ChunkQueue behind;
        behind.push(std::move(rest));
        while (!unsent_.empty()) behind.push(unsent_.pop());
        unsent_ = std::move(behind);
      }
      travel(std::move(chunk));
    }
    if (unsent_.empty() && sending_ == Sending::finishing) {
      sending_ = Sending::finished;
      travel({});
    }
    if (congested_ && unsent_.bytes() <= high_water / 2) {
      congested_ = false;
      if (receiver_) receiver_->on_drained();
    }
    if (unsent_.empty() && std::exchange(tell_sent_, false) && receiver_) receiver_->on_sent();
  }

  void break_now() {
    broken_ = true;
    incoming_.travelling_.clear();
    incoming_.travelling_bytes_ = 0;
    if (receiver_) receiver_->on_closed(base::Error{base::Cause::client_closed, base::Stage::accept});
    unsent_.clear();
  }

  bool fill() override {
    if (broken_) return false;
    bool busy = false;
    if (!unsent_.empty() && (room() > 0 || lost())) {
      turns_.turn.flush_later(*this);
      busy = true;
    }
    if (paused_ || receiver_ == nullptr) return tell_hang_up() || busy;
    if (put_back_.waits()) {
      put_back_.deliver(receiver_, paused_);
      return true;
    }
    if (wire_->reset) {
      break_now();
      return true;
    }
    return deliver() || busy;
  }

  bool tell_hang_up() {
    const bool ends =
        std::any_of(incoming_.travelling_.begin(), incoming_.travelling_.end(),
                    [&](const auto& one) { return one.chunk.empty() && one.due <= turns_.turn.now; });
    if (!receiver_ || !paused_ || incoming_.ended || incoming_.stalled || (!ends && !wire_->reset))
      return false;
    bool& told = wire_->reset ? reset_told_ : hang_up_told_;
    if (std::exchange(told, true)) return false;
    receiver_->on_hang_up(wire_->reset);
    return true;
  }

  // Makes one delivery, as large as the settings allow.
  bool deliver() {
    if (incoming_.stalled || incoming_.ended) return false;
    if (incoming_.reset_at && incoming_.delivered >= *incoming_.reset_at) {
      wire_->reset = true;
      break_now();
      return true;
    }
    if (incoming_.end_at && incoming_.delivered >= *incoming_.end_at) return tell_end();
    if (incoming_.travelling_.empty()) return false;
    if (const Instant due = incoming_.travelling_.front().due; due > turns_.turn.now) {
      if (!armed()) turns_.turn.arm(*this, due - turns_.turn.now);
      return false;
    }
    if (incoming_.travelling_.front().chunk.empty()) {
      incoming_.travelling_.pop_front();
      return tell_end();
    }
    std::string bytes;
    const size_t limit = largest_delivery();
    while (!incoming_.travelling_.empty() && bytes.size() < limit) {
      Passage::Travelling& front = incoming_.travelling_.front();
      if (front.chunk.empty() || front.due > turns_.turn.now) break;
      const size_t count = std::min(front.chunk.size(), limit - bytes.size());
      bytes += base::text_of(front.chunk.bytes().first(count));
      front.chunk.drop_front(count);
      if (front.chunk.empty()) incoming_.travelling_.pop_front();
    }
    incoming_.travelling_bytes_ -= bytes.size();
    incoming_.delivered += bytes.size();
    if (!incoming_.pieces.empty()) incoming_.piece_left_ -= bytes.size();
    receiver_->on_bytes(base::bytes_of(bytes));
    return true;
  }

  size_t largest_delivery() {
    size_t limit = read_size;
    if (!incoming_.pieces.empty()) {
      if (incoming_.piece_left_ == 0)
        incoming_.piece_left_ =
            std::max<size_t>(1, incoming_.pieces[incoming_.next_piece_++ % incoming_.pieces.size()]);
      limit = std::min(limit, incoming_.piece_left_);
    }
    if (incoming_.reset_at) limit = std::min<uint64_t>(limit, *incoming_.reset_at - incoming_.delivered);
    if (incoming_.end_at) limit = std::min<uint64_t>(limit, *incoming_.end_at - incoming_.delivered);
    return limit;
  }

  bool tell_end() {
    incoming_.ended = true;
    receiver_->on_end();
    return true;
  }

  static constexpr size_t read_size = 128 * 1024;

  TurnFixture& turns_;
  std::shared_ptr<Wire> wire_;
  Passage& incoming_;
  Passage& outgoing_;
  bool& closed_;
  const bool& other_closed_;
  bool& paused_;
  net::Peer peer_;
  Receiver* receiver_ = nullptr;
  base::ChunkQueue unsent_;
  net::PutBack put_back_;
  Sending sending_ = Sending::open;
  bool congested_ = false;
  bool tell_sent_ = false;
  bool aborted_ = false;
  bool broken_ = false;
  bool hang_up_told_ = false;
  bool reset_told_ = false;
};

MemoryPair connect_in_memory(TurnFixture& turns, const MemoryPeers& peers) {
  MemoryPair pair;
  pair.wire = std::make_shared<Wire>();
  pair.first = std::make_unique<MemoryTransport>(turns, pair.wire, true, peers.second);
  pair.second = std::make_unique<MemoryTransport>(turns, pair.wire, false, peers.first);
  return pair;
}

}  // namespace postern::support
