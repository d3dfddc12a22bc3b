#include "files/send_file.h"

#include <algorithm>

#include "base/error.h"
#include "base/pool.h"
#include "coding/encoding_pump.h"

namespace postern::files {
namespace {

constexpr size_t piece = base::pool_largest - 64;  // with the chunk header it fits in the pool
// The bytes that one file may send in a turn before it yields: about a millisecond of copying, or of
// compressing. Otherwise a client that reads as fast as bytes come would keep this coroutine running.
constexpr uint64_t turn_share = 16 * piece;
constexpr uint64_t turn_share_encoding = 2 * piece;

}  // namespace

base::Task<base::Result<base::Pumped>> send_file(base::Scope& scope, const OpenFile& file, uint64_t offset,
                                                 uint64_t length, coding::Encoder* encoder, base::Channel& to,
                                                 const base::PumpLimits& limits, uint64_t& moved) {
  base::Phase phase(scope, limits.stage, base::no_limit);
  base::Pace sink(scope.turn, phase, limits.sink);
  const uint64_t share = encoder ? turn_share_encoding : turn_share;
  uint64_t in_turn = 0;
  base::ChunkQueue made;
  while (length > 0) {
    base::Chunk chunk = base::Chunk::with_capacity(std::min<uint64_t>(piece, length));
    const int64_t got = file.read_at(offset, chunk.end(), std::min<uint64_t>(piece, length));
    if (got <= 0) co_return base::fail(base::Cause::file_unreadable, limits.stage);
    chunk.extend(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
    length -= static_cast<uint64_t>(got);
    in_turn += static_cast<uint64_t>(got);
    if (!encoder) {
      made.push(std::move(chunk));
    } else if (!encoder->encode(chunk.bytes(),
                                length == 0 ? coding::Encoder::Then::finish : coding::Encoder::Then::more,
                                made)) {
      co_return base::fail(base::Cause::internal, limits.stage);
    }
    moved += coding::push_all(made, to);
    if (length == 0) break;
    if (in_turn >= share) {
      in_turn = 0;
      base::Result<void> turn = co_await base::NextTurn(scope);
      if (!turn) co_return base::fail(turn.error().cause, limits.stage);
    }
    sink.begin_wait(moved);
    base::Result<void> room = co_await to.room(scope);
    sink.end_wait();
    if (!room) co_return base::fail(room.error().cause, limits.stage);
  }
  co_return base::Pumped{};
}

}  // namespace postern::files
