#include "base/pump.h"

namespace postern::base {

Task<Result<Pumped>> pump(Scope& scope, Channel& from, Channel& to, const PumpLimits& limits,
                          uint64_t& moved) {
  Phase phase(scope, limits.stage, limits.idle, limits.late_source);
  for (;;) {
    Result<Chunk> chunk = co_await from.read(scope);
    if (!chunk) co_return fail(chunk.error().cause, limits.stage);
    if (chunk->empty()) break;
    moved += chunk->size();
    if (limits.bytes_max != 0 && moved > limits.bytes_max) co_return fail(limits.too_large, limits.stage);
    to.push(std::move(*chunk));
    phase.extend();
    if (to.has_room()) continue;
    phase.blame(limits.late_sink);
    Result<void> room = co_await to.room(scope);
    if (!room) co_return fail(room.error().cause, limits.stage);
    phase.blame(limits.late_source);
    phase.extend();
  }
  co_return Pumped{};
}

}  // namespace postern::base
