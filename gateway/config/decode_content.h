// What the file says about content: compression of responses, and folders of files.
#pragma once

#include <optional>

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// `true`, `false` or a map; a map changes of `inherited` what it names. Nothing: off, or not readable.
std::optional<CompressionDocument> decode_compression(const Value& value,
                                                      const CompressionDocument& inherited);

// A folder, or a map; nothing when its root cannot be read.
std::optional<FilesDocument> decode_files(const Value& value);

// `spa` of a route, whose other keys are `fields`; goes to route.files.
void decode_single_page(const Value& value, const Fields& fields, RouteDocument& route);

}  // namespace postern::config
