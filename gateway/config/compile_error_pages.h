// An operator's error pages, read from their files.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"
#include "proxy/error_pages.h"

namespace postern::config {

inline constexpr size_t max_error_page = 64 * 1024;  // bytes of a file

// Blocks on files. What is wrong with one is a problem at its location.
proxy::ErrorPages compile_error_pages(const Document& document, Diagnostics& problems);

}  // namespace postern::config
