// The zstd encoder (RFC 8878), on libzstd.
#pragma once

#include "coding/encoder.h"

namespace postern::coding {

std::unique_ptr<Encoder> make_zstd_encoder(int level, std::optional<uint64_t> size);

// Name and version of the library at run time.
std::string zstd_library();

}  // namespace postern::coding
