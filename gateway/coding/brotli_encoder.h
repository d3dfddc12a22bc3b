// The brotli encoder (RFC 7932), on libbrotlienc.
#pragma once

#include "coding/encoder.h"

namespace postern::coding {

std::unique_ptr<Encoder> make_brotli_encoder(int level, std::optional<uint64_t> size);

// Name and version of the library at run time.
std::string brotli_library();

}  // namespace postern::coding
