// A route as it runs: which requests it takes, what is asked of them, and what becomes of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coding/negotiation.h"
#include "policy/policy.h"
#include "routing/action.h"
#include "routing/conditions.h"
#include "routing/host_matcher.h"
#include "routing/rewriting.h"
#include "routing/socket_rules.h"
#include "routing/stream_rules.h"
#include "routing/transfer_limits.h"

namespace postern::routing {

struct Route {
  std::string name;
  std::vector<HostPattern> hosts = {HostPattern()};  // one of these
  std::vector<std::string> paths = {"/"};            // one of these, spelled as readings of paths are
  bool exact = false;                                // the path and nothing below it
  std::vector<std::string> methods;                  // as they stand in requests, case-sensitive; empty: any
  std::shared_ptr<const Conditions> conditions;      // null: none
  policy::Pipeline pipeline;
  bool strict_paths = false;        // takes only paths with one reading, and sends them on normalised
  bool answers_preflights = false;  // it has an origin list
  Action action;
  std::shared_ptr<const coding::Rules> compression;  // null: responses pass as they are
  Rewriting rewriting;
  // Of all that a socket on this route was let in by and is held to: the same in another snapshot means that
  // nothing has changed for it.
  uint64_t socket_fingerprint = 0;
  RouteLimits limits;
  std::shared_ptr<const SocketRules> sockets;  // null: the usual ones
  std::shared_ptr<const StreamRules> streams;  // null: the usual ones
  uint64_t stream_fingerprint = 0;             // as `socket_fingerprint`, of its event streams
};

}  // namespace postern::routing
