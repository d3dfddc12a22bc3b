// One check of one endpoint's health, by a connection of its own.
#pragma once

#include <string>

#include "base/scope.h"
#include "base/task.h"
#include "net/dialer.h"
#include "upstream/group_model.h"

namespace postern::upstream {

// By the rules of `group.health`, which is there. `account` says what was seen ("status 503", "127.0.0.1:1
// refused"), whatever the outcome.
base::Task<base::Result<void>> check_health(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                            const GroupModel& group, size_t index, std::string& account);

}  // namespace postern::upstream
