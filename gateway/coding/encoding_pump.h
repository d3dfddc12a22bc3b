// Moves one channel into another through an encoder: the coroutine of a compressed body.
#pragma once

#include "base/pump.h"
#include "coding/encoder.h"

namespace postern::coding {

// Like base::pump: `to` is not ended, and `moved` counts the bytes pushed to it. The encoder is flushed when
// no more input is available, so that no input stays in it, and is not flushed while there is more. A body
// that fails is not finished, so that it cannot be decoded as a complete one.
base::Task<base::Result<base::Pumped>> pump_encoded(base::Scope& scope, base::Channel& from,
                                                    base::Channel& to, Encoder& encoder,
                                                    const base::PumpLimits& limits, uint64_t& moved);

// Moves the output of an encoder to `to`; returns the number of bytes.
uint64_t push_all(base::ChunkQueue& encoded, base::Channel& to);

}  // namespace postern::coding
