// The bytes that the owner of a transport has put back, to be received again first (Transport::unread).
#pragma once

#include <utility>

#include "base/chunk.h"
#include "net/transport.h"

namespace postern::net {

class PutBack {
 public:
  // An empty chunk requests one delivery of no bytes.
  void add(base::Chunk bytes) {
    if (bytes.empty()) nudged_ = true;
    chunks_.push(std::move(bytes));
  }
  bool waits() const { return nudged_ || !chunks_.empty(); }

  // Delivers until it is `paused`. Both parameters may change during the call. Bytes that are put back during
  // the call come before those not yet delivered.
  void deliver(Transport::Receiver* const& receiver, const bool& paused) {
    if (!waits()) return;  // nearly always the case
    base::ChunkQueue delivered = std::exchange(chunks_, {});
    while (!delivered.empty() && !paused) {
      const base::Chunk chunk = delivered.pop();
      receiver->on_bytes(chunk.bytes());
    }
    while (!delivered.empty()) chunks_.push(delivered.pop());
    if (!paused && std::exchange(nudged_, false)) receiver->on_bytes({});
  }

 private:
  base::ChunkQueue chunks_;
  bool nudged_ = false;
};

}  // namespace postern::net
