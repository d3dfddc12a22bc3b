// Moves one channel into another through an encoder: the coroutine of a compressed body.
#pragma once

#include "base/pump.h"
#include "coding/encoder.h"

namespace postern::coding {

// As base::pump, which see: `to` is not ended, `moved` counts the bytes that were pushed to it. What came
// from `from` does not stay in the encoder while nothing more is at hand, and while there is more it is not
// flushed. A body that fails is not finished, so that it cannot be decoded as a whole one.
base::Task<base::Result<base::Pumped>> pump_encoded(base::Scope& scope, base::Channel& from,
                                                    base::Channel& to, Encoder& encoder,
                                                    const base::PumpLimits& limits, uint64_t& moved);

// Gives away what an encoder has made; the bytes.
uint64_t push_all(base::ChunkQueue& encoded, base::Channel& to);

}  // namespace postern::coding
