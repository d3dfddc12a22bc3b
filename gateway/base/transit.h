// How many of the bytes written to a peer have arrived there. A peer that acknowledges bytes is alive, even
// when its answer to the last of them takes long.
#pragma once

#include <cstddef>
#include <cstdint>

namespace postern::base {

struct Transit {
  uint64_t acknowledged = 0;  // bytes that the peer's system has acknowledged, in total
  size_t outstanding = 0;     // bytes written that it has not acknowledged
};

class TransitSource {
 public:
  virtual Transit transit() const = 0;

 protected:
  ~TransitSource() = default;
};

}  // namespace postern::base
