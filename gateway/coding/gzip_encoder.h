// The gzip encoder (RFC 1952), on zlib.
#pragma once

#include "coding/encoder.h"

namespace postern::coding {

std::unique_ptr<Encoder> make_gzip_encoder(int level, std::optional<uint64_t> size);

// Name and version of the library at run time.
std::string gzip_library();

}  // namespace postern::coding
