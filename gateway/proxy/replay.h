// Keeps what was sent of a request's body, so that it can be sent again to another endpoint. It keeps shares
// of the chunks in transit; if a chunk's memory is much larger than its bytes, the bytes are copied together
// instead. Everything is released as soon as the request can no longer be sent again.
#pragma once

#include <algorithm>
#include <vector>

#include "base/pump.h"

namespace postern::proxy {

class Replay final : public base::PumpWatcher {
 public:
  static constexpr size_t kept_by_worker_max = 16 * 1024 * 1024;  // bytes, for one upstream

  // For a body of at most `most` bytes. `kept_by_worker` counts the bytes that all Replays keep, and outlives
  // this.
  Replay(size_t& kept_by_worker, size_t most) : kept_by_worker_(kept_by_worker), most_(most) {}
  ~Replay() { let_go(); }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // True while the body is kept completely, because it is small enough so far.
  bool whole() const { return whole_; }
  // Pushes again what was sent before; the rest of the body follows it.
  void send_again(base::Channel& to) const {
    for (const base::Chunk& chunk : chunks_) to.push(chunk.share());
  }
  // Releases what is kept; from then on the body is not whole.
  void let_go() {
    chunks_.clear();
    kept_by_worker_ -= std::exchange(kept_, 0);
    whole_ = false;
  }

 private:
  void on_chunk(const base::Chunk& chunk) override {
    if (!whole_) return;
    const size_t size = chunk.size();
    if (kept_ + size > most_ || kept_by_worker_ + size > kept_by_worker_max) return let_go();
    if (size < shared_from || size < chunk.room())
      copy(chunk.bytes());
    else
      chunks_.push_back(chunk.share());
    kept_ += size;
    kept_by_worker_ += size;
  }

  // Appends to the last copy while it has room. A further piece is allocated in proportion to what is kept
  // already.
  void copy(base::Bytes bytes) {
    while (!bytes.empty()) {
      if (chunks_.empty() || chunks_.back().room() == 0)
        chunks_.push_back(base::Chunk::with_capacity(
            std::clamp(std::max(kept_ / 8, bytes.size()), piece_least, piece_most)));
      base::Chunk& last = chunks_.back();
      const size_t fits = std::min(bytes.size(), last.room());
      last.append(bytes.first(fits));
      bytes = bytes.subspan(fits);
    }
  }

  static constexpr size_t shared_from = 1024;  // bytes
  static constexpr size_t piece_least = 256;
  static constexpr size_t piece_most = 16 * 1024;

  size_t& kept_by_worker_;
  size_t most_;
  size_t kept_ = 0;
  bool whole_ = true;
  std::vector<base::Chunk> chunks_;
};

}  // namespace postern::proxy
