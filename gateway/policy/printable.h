// Makes text from a client safe for a log line and a response.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::policy {

// Returns `text` with every byte outside printable ASCII replaced by "?", cut at `limit` bytes and then
// followed by "...".
std::string printable(std::string_view text, size_t limit = 200);

}  // namespace postern::policy
