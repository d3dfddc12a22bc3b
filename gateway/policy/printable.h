// Text from a client, made fit for a log line and a response.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::policy {

// `text` with everything outside printable ASCII as "?", cut at `limit` bytes with "..." after them.
std::string printable(std::string_view text, size_t limit = 200);

}  // namespace postern::policy
