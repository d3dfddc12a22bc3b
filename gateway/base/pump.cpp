#include "base/pump.h"

namespace postern::base {

Task<Result<Pumped>> pump(Scope& scope, Channel& from, Channel& to, const PumpLimits& limits,
                          uint64_t& moved) {
  Phase phase(scope, limits.stage, no_limit);
  Pace source(scope.turn, phase, limits.source);
  Pace sink(scope.turn, phase, limits.sink);
  for (;;) {
    source.begin_wait(moved);
    Result<Chunk> chunk = co_await from.read(scope);
    source.end_wait();
    if (!chunk) co_return fail(chunk.error().cause, limits.stage);
    if (chunk->empty()) break;
    moved += chunk->size();
    if (limits.bytes_max != 0 && moved > limits.bytes_max) co_return fail(limits.too_large, limits.stage);
    if (limits.watcher) limits.watcher->on_chunk(*chunk);
    to.push(std::move(*chunk));
    if (to.has_room()) continue;
    sink.begin_wait(moved);
    Result<void> room = co_await to.room(scope);
    sink.end_wait();
    if (!room) co_return fail(room.error().cause, limits.stage);
  }
  co_return Pumped{};
}

}  // namespace postern::base
