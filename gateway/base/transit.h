// How far bytes have come that were written to a peer: one that takes bytes lives, though an answer to the
// last of them may be far off.
#pragma once

#include <cstddef>
#include <cstdint>

namespace postern::base {

struct Transit {
  uint64_t acknowledged = 0;  // what the peer's system has taken in all
  size_t outstanding = 0;     // what it has yet to
};

class TransitSource {
 public:
  virtual Transit transit() const = 0;

 protected:
  ~TransitSource() = default;
};

}  // namespace postern::base
