// One health check of one endpoint, over its own connection.
#pragma once

#include <string>

#include "base/scope.h"
#include "base/task.h"
#include "net/dialer.h"
#include "upstream/group_model.h"

namespace postern::upstream {

// Checks by the rules of `group.health`, which must be set. `account` receives a description of what was seen
// ("status 503", "127.0.0.1:1 refused"), whatever the result.
base::Task<base::Result<void>> check_health(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                            const GroupModel& group, size_t index, std::string& account);

}  // namespace postern::upstream
