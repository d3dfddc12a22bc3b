// Sends bytes of a file: the coroutine of a body that comes from a disk.
#pragma once

#include "base/pump.h"
#include "coding/encoder.h"
#include "files/folder.h"

namespace postern::files {

// Sends `length` bytes from `offset` on, through `encoder` unless it is null, as fast as the channel has
// room. `to` is not ended; `moved` counts the bytes that were pushed to it. A file that has become shorter
// fails with file_unreadable, so that the bytes sent do not look complete. Reads block the loop: a piece of
// 64 KiB comes from the page cache in some 10 µs, and from an SSD in a fraction of a millisecond. Handing the
// read to another thread and back would cost more than that for the many files that are small and cached.
base::Task<base::Result<base::Pumped>> send_file(base::Scope& scope, const OpenFile& file, uint64_t offset,
                                                 uint64_t length, coding::Encoder* encoder, base::Channel& to,
                                                 const base::PumpLimits& limits, uint64_t& moved);

}  // namespace postern::files
