// What a reader of a message found wrong with it.
#pragma once

#include <string>

#include "base/error_fwd.h"
#include "telemetry/deviation.h"

namespace postern::http {

// Why a message was refused: the cause, a sentence that is safe to show to the sender, and for the log the
// bytes that it was refused for.
struct Fault {
  base::Cause cause{};
  std::string detail{};
  std::string bytes{};  // an excerpt; empty: no particular bytes
};

// How a message that was accepted deviates from its protocol.
struct SeenDeviation {
  telemetry::Deviation kind;
  std::string bytes;  // an excerpt that shows it
};

}  // namespace postern::http
