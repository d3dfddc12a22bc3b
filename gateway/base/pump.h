// Moves one channel into another: the coroutine of a body.
#pragma once

#include "base/channel.h"
#include "base/pace.h"
#include "base/task.h"

namespace postern::base {

// Sees every chunk before it is passed on.
class PumpWatcher {
 public:
  virtual void on_chunk(const Chunk& chunk) = 0;

 protected:
  ~PumpWatcher() = default;
};

struct PumpLimits {
  Stage stage = Stage::response_body;
  PaceRules source{};      // how long to wait for something to come
  PaceRules sink{};        // and for something to be taken
  uint64_t bytes_max = 0;  // 0: no limit; beyond it the pump fails with `too_large`
  Cause too_large = Cause::body_too_large;
  PumpWatcher* watcher = nullptr;  // null: nobody; else it outlives the pump
};

// Returns when `from` has ended, without ending `to`: its owner knows whether trailers follow, and how a cut
// body looks. `moved` counts the bytes, also of a pump that fails. `limits` outlives the pump.
struct Pumped {};
Task<Result<Pumped>> pump(Scope& scope, Channel& from, Channel& to, const PumpLimits& limits,
                          uint64_t& moved);

}  // namespace postern::base
