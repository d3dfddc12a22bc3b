// The `error_pages` part of a file.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

void decode_error_pages(const Value& value, ErrorPagesDocument& pages);

}  // namespace postern::config
