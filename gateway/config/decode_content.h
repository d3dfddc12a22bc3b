// What the file says about bodies: compression.
#pragma once

#include <optional>

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// `true`, `false` or a map; a map changes of `inherited` what it names. Nothing: off, or not readable.
std::optional<CompressionDocument> decode_compression(const Value& value,
                                                      const CompressionDocument& inherited);

}  // namespace postern::config
