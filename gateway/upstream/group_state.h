// The state of a group in one worker that is independent of a snapshot: it is matched by the group's name and
// survives reloads.
#pragma once

#include "base/local_rc.h"
#include "state/learned_values.h"
#include "state/waiting_clients.h"
#include "telemetry/log.h"
#include "upstream/hold_queue.h"
#include "upstream/permit_queue.h"
#include "upstream/retry_budget.h"

namespace postern::upstream {

struct GroupState {
  GroupState(base::Turn& turn, const telemetry::Logger* the_log,
             std::shared_ptr<state::ProcessLoad> waiting_in_process,
             std::shared_ptr<state::WaitingClients> the_clients)
      : held(turn),
        waiting_clients(std::move(the_clients)),
        permits(turn, std::move(waiting_in_process)),
        log(the_log) {}

  // An endpoint has answered, or its health checks pass again.
  void is_back() {
    held.on_answered();
    waiting_clients->forget();
  }

  HoldQueue held;
  std::shared_ptr<state::WaitingClients> waiting_clients;  // shared by all workers
  PermitQueue permits;
  RetryBudget retry_budget;
  std::shared_ptr<state::LearnedValues> learned;  // shared by all workers; null: nothing is learned
  size_t replay_bytes = 0;                        // request bodies that are kept for retries
  const telemetry::Logger* log;                   // null: nothing is logged
};
using GroupStateRef = base::LocalRc<GroupState>;

}  // namespace postern::upstream
