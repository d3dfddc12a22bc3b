// How strictly a message is read.
#pragma once

#include <cstdint>

namespace postern::http1 {

enum class Reading : uint8_t {
  strict,     // of clients: what the grammar has, and no more
  forgiving,  // of endpoints: also the deviations that leave one reading; each is noted
};

}  // namespace postern::http1
