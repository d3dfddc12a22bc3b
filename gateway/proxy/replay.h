// What has been sent of a request's body, so that it can be sent again to another endpoint. Kept are shares
// of the chunks on their way; where a chunk's memory is much larger than its bytes, they are copied together.
// They are let go as soon as there is no going back.
#pragma once

#include <algorithm>
#include <vector>

#include "base/pump.h"

namespace postern::proxy {

class Replay final : public base::PumpWatcher {
 public:
  static constexpr size_t kept_by_worker_max = 16 * 1024 * 1024;  // bytes, of one upstream

  // Of a body of at most `most` bytes. `kept_by_worker` counts what all of them keep, and outlives this.
  Replay(size_t& kept_by_worker, size_t most) : kept_by_worker_(kept_by_worker), most_(most) {}
  ~Replay() { let_go(); }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Nothing of the body is lost: it was, and stays, small enough.
  bool whole() const { return whole_; }
  // Sends what was sent before; what is still to come follows it.
  void send_again(base::Channel& to) const {
    for (const base::Chunk& chunk : chunks_) to.push(chunk.share());
  }
  // From now on the body is not whole.
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

  // Behind what was copied last, while there is room; a piece more is as large as a fair share of what is
  // kept.
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
