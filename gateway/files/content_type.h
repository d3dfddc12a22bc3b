// What a file is, by its name.
#pragma once

#include <string_view>

namespace postern::files {

// The Content-Type of a file with this name or path; text comes with its charset, which is UTF-8.
// "application/octet-stream" when the extension says nothing.
std::string_view content_type_of(std::string_view name);

}  // namespace postern::files
