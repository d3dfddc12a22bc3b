#include "coding/encoding_pump.h"
#include "base/error.h"

namespace postern::coding {

using base::Cause;
using base::Chunk;
using base::Pumped;
using base::Result;

uint64_t push_all(base::ChunkQueue& encoded, base::Channel& to) {
  const uint64_t bytes = encoded.bytes();
  while (!encoded.empty()) to.push(encoded.pop());
  return bytes;
}

base::Task<Result<Pumped>> pump_encoded(base::Scope& scope, base::Channel& from, base::Channel& to,
                                        Encoder& encoder, const base::PumpLimits& limits, uint64_t& moved) {
  base::Phase phase(scope, limits.stage, base::no_limit);
  base::Pace source(scope.turn, phase, limits.source);
  base::Pace sink(scope.turn, phase, limits.sink);
  base::ChunkQueue encoded;
  for (;;) {
    source.begin_wait(moved);
    Result<Chunk> chunk = co_await from.read(scope);
    source.end_wait();
    if (!chunk) co_return base::fail(chunk.error().cause, limits.stage);
    const bool over = chunk->empty();
    Encoder::Then then = from.readable() ? Encoder::Then::more : Encoder::Then::flush;
    if (over) then = Encoder::Then::finish;
    if (limits.watcher && !over) limits.watcher->on_chunk(*chunk);
    if (!encoder.encode(chunk->bytes(), then, encoded)) co_return base::fail(Cause::internal, limits.stage);
    moved += push_all(encoded, to);
    if (over) break;
    if (to.has_room()) continue;
    sink.begin_wait(moved);
    Result<void> room = co_await to.room(scope);
    sink.end_wait();
    if (!room) co_return base::fail(room.error().cause, limits.stage);
  }
  co_return Pumped{};
}

}  // namespace postern::coding
