// Passive health checks: counts the results of attempts, and ejects and readmits endpoints.
#pragma once

#include <string_view>

#include "upstream/group.h"

namespace postern::upstream {

// `reason` is for the log. An endpoint is not ejected when no other endpoint is available.
void note_failure(Group& group, size_t index, base::Instant now, Condition condition,
                  std::string_view reason);
// To be called when a complete response head has arrived.
void note_answer(Group& group, size_t index, base::Instant now, uint16_t status);

}  // namespace postern::upstream
