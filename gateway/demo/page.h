// The page of the demo application: page.html of this folder, put into the binary by embed.cmake.
#pragma once

#include <string_view>

namespace postern::demo {

// The whole document, UTF-8; lives as long as the program.
std::string_view page();

}  // namespace postern::demo
