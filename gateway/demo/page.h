// The page of the demo application: page.html of this folder, embedded in the binary by embed.cmake.
#pragma once

#include <string_view>

namespace postern::demo {

// The whole document in UTF-8; valid while the program runs.
std::string_view page();

}  // namespace postern::demo
