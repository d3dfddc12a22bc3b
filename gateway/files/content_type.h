// The media type of a file, chosen by the extension of its name.
#pragma once

#include <string_view>

namespace postern::files {

// The Content-Type of a file with this name or path; text types include the charset, which is UTF-8.
// "application/octet-stream" when the extension is unknown.
std::string_view content_type_of(std::string_view name);

}  // namespace postern::files
