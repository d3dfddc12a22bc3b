// gzip (RFC 1952) by zlib.
#pragma once

#include "coding/encoder.h"

namespace postern::coding {

std::unique_ptr<Encoder> make_gzip_encoder(int level, std::optional<uint64_t> size);

}  // namespace postern::coding
