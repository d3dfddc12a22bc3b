// The state module knows what the workers of a process share and what a reload keeps: limits, counts, keys,
// loads, and what is remembered about clients and routes. It gives all of it through ProcessState, by name.
// It must not know messages, sockets, snapshots or its callers.
//
// Every table is bounded. A table by client has a maximum, or holds only clients with something open, which
// `limits.connections` bounds; a table by name holds only names that a snapshot, a socket or a request under
// way uses:
//
//   rate limits        65,536 keys each (LocalRateLimiter::capacity)
//   socket counts      keys of open sockets and event streams
//   admission lines    one number for each route
//   keys               256 for each name (KeySet); of those that are gone 1,024 numbers (LiveKeys::gone_max)
//   clients            clients with open connections
//   silent routes      routes with sockets that wait, or that had some recently (SilentRoutes)
//   socket memory      20,000 clients in each table (SocketMemory::clients_max)
//   loads              one number for each endpoint and upstream
//   learned values     upstreams.NAME.learn.values for each upstream (LearnedValues)
//   waiting clients    20,000 for each upstream (WaitingClients::clients_max)
//   password checks    64 that wait, 4,096 right and 4,096 wrong answers, and the wrong passwords of 65,536
//                      clients (PasswordChecks)
//   tickets            100,000, with tokens of 64 MiB (Tickets)
//   shared answers     20,000 questions and answers, of 64 MiB (SharedAnswers)
//   revocations        1,048,576, in at most 64 MiB, and the texts of the newest 1,000 (Revocations)
//   live sessions      one place for each open WebSocket and event stream whose token can be renewed
//                      (LiveSessions)
#pragma once

#include "state/bindings.h"
#include "state/by_name.h"
#include "state/client_counts.h"
#include "state/live_sessions.h"
#include "state/password_checks.h"
#include "state/process_load.h"
#include "state/revocations.h"
#include "state/shared_answers.h"
#include "state/silent_routes.h"
#include "state/socket_memory.h"
#include "state/tickets.h"

namespace postern::state {

// Made once, before the workers, and outlives them. Any thread may use it, unless a member says otherwise.
class ProcessState {
 public:
  ProcessState() = default;
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;

  // Called when a worker pins a snapshot. A limit that has other settings than before begins anew; all else
  // continues. The keys of the snapshot's configuration must have taken effect, and those of a later one must
  // not: one configuration is bound by every worker before the next takes effect.
  Bindings bind(const Names& names);

  KeyStore keys;
  ClientCounts clients;
  SilentRoutes silent_routes;
  SocketMemory socket_memory;
  PasswordChecks passwords;
  Tickets tickets;
  SharedAnswers shared_answers;
  Revocations revocations;
  LiveSessions sessions;
  ProcessLoads loads;

 private:
  ByName<RateLimiter> rate_limits_;     // by the limit's name
  ByName<SocketCounts> socket_counts_;  // by route, as are the following
  ByName<SocketCounts> stream_counts_;
  ByName<AdmissionLine> admission_lines_;
};

}  // namespace postern::state
