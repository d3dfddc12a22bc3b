// What attempts say about their endpoints: counted, and answered by ejecting and readmitting them.
#pragma once

#include <string_view>

#include "upstream/group.h"

namespace postern::upstream {

// `reason` is for the log. An endpoint that no other could stand in for is never ejected.
void note_failure(Group& group, size_t index, base::Instant now, Condition condition,
                  std::string_view reason);
// A whole head has come.
void note_answer(Group& group, size_t index, base::Instant now, uint16_t status);

}  // namespace postern::upstream
