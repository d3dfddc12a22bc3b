// Why a message was refused: the cause, a sentence that is safe to show to the sender, and for the log the
// bytes that it was refused for.
#pragma once

#include <string>

#include "base/error_fwd.h"

namespace postern::http1 {

struct Fault {
  base::Cause cause{};
  std::string detail{};
  std::string bytes{};  // see excerpt.h; empty: no particular bytes
};

}  // namespace postern::http1
