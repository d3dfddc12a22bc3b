// Why a message was refused: the cause, and a sentence that is safe to show to whoever sent it.
#pragma once

#include <string_view>

#include "base/error.h"

namespace postern::http1 {

struct Fault {
  base::Cause cause = base::Cause::bad_request;
  std::string_view detail;  // a literal
};

}  // namespace postern::http1
