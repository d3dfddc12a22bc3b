// Moves one channel into another: the coroutine that forwards a body.
#pragma once

#include "base/channel.h"
#include "base/error.h"
#include "base/pace.h"
#include "base/task.h"

namespace postern::base {

// Observes every chunk before it is forwarded.
class PumpWatcher {
 public:
  virtual void on_chunk(const Chunk& chunk) = 0;

 protected:
  ~PumpWatcher() = default;
};

struct PumpLimits {
  Stage stage = Stage::response_body;
  PaceRules source{};      // how long to wait for bytes to read
  PaceRules sink{};        // how long to wait for room to write
  uint64_t bytes_max = 0;  // 0: no limit; above it the pump fails with `too_large`
  Cause too_large = Cause::body_too_large;
  PumpWatcher* watcher = nullptr;  // may be null; must outlive the pump
};

// Returns when `from` has ended, but does not end `to`: its owner knows whether trailers follow and how an
// incomplete body must end. `moved` counts the bytes, also when the pump fails. `limits` must outlive the
// pump.
struct Pumped {};
Task<Result<Pumped>> pump(Scope& scope, Channel& from, Channel& to, const PumpLimits& limits,
                          uint64_t& moved);

}  // namespace postern::base
