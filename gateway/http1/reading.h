// How strictly a message is parsed.
#pragma once

#include <cstdint>

namespace postern::http1 {

enum class Reading : uint8_t {
  strict,     // for clients: only what the grammar allows
  forgiving,  // for endpoints: accepts deviations that can be read in one way only, and notes each
};

}  // namespace postern::http1
