// Reads an operator's error pages from their files.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"
#include "proxy/error_pages.h"

namespace postern::config {

inline constexpr size_t max_error_page = 64 * 1024;  // bytes of a file

// Reads files, and blocks meanwhile. A page with an error becomes a problem at its location.
proxy::ErrorPages compile_error_pages(const Document& document, Diagnostics& problems);

}  // namespace postern::config
