// What a transport's owner has put back in front of what is still to be received (Transport::unread).
#pragma once

#include <utility>

#include "base/chunk.h"
#include "net/transport.h"

namespace postern::net {

class PutBack {
 public:
  // No bytes at all ask for one delivery of none.
  void add(base::Chunk bytes) {
    if (bytes.empty()) nudged_ = true;
    chunks_.push(std::move(bytes));
  }
  bool waits() const { return nudged_ || !chunks_.empty(); }

  // Until it is `paused`. Both may change meanwhile, and what is put back meanwhile comes before what is not
  // yet delivered.
  void deliver(Transport::Receiver* const& receiver, const bool& paused) {
    if (!waits()) return;  // as nearly always
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
