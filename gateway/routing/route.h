// A compiled route: which requests it matches, which policies judge them, and which action answers them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coding/negotiation.h"
#include "policy/answer_token.h"
#include "policy/policy.h"
#include "routing/action.h"
#include "routing/conditions.h"
#include "routing/host_matcher.h"
#include "routing/rewriting.h"
#include "routing/socket_rules.h"
#include "routing/stream_rules.h"
#include "routing/transfer_limits.h"

namespace postern::routing {

// Where clients log out at the application.
struct LogoutRules {
  std::vector<std::string> paths;  // normalised
  base::Duration lasts{};          // how long a revocation is in effect, at least
};

// Where clients get a new token from the application. It takes the place of the older one on what its session
// has open.
struct RefreshCalls {
  std::vector<std::string> paths;  // normalised
  policy::AnswerTokenPlace token;
  std::string provider;                                 // a name under jwt
  std::shared_ptr<const policy::JwtVerifier> verifier;  // of that
  size_t keys = 0;                                      // index into state::Names::keys
};

struct Route {
  std::string name;
  std::vector<HostPattern> hosts = {HostPattern()};  // one of these must match
  std::vector<std::string> paths = {"/"};            // one of these, in the spelling of path readings
  bool exact = false;                                // the path only, nothing below it
  std::vector<std::string> methods;                  // as in requests, case-sensitive; empty: any
  std::shared_ptr<const Conditions> conditions;      // null: none
  policy::Pipeline pipeline;
  bool strict_paths = false;        // accepts only paths with one reading, and forwards them normalised
  bool answers_preflights = false;  // the route has an origin list
  Action action;
  std::shared_ptr<const coding::Rules> compression;  // null: responses are not compressed
  Rewriting rewriting;
  // The fingerprint of all settings that admitted a socket on this route and still apply to it. The same
  // fingerprint in another snapshot means that no setting has changed for the socket.
  uint64_t socket_fingerprint = 0;
  std::vector<size_t> keys;  // of tokens: indices into state::Names::keys; empty: the route knows no tokens
  std::shared_ptr<const LogoutRules> logout;          // null: none
  std::shared_ptr<const RefreshCalls> refresh_calls;  // null: none
  RouteLimits limits;
  std::shared_ptr<const SocketRules> sockets;  // null: the defaults
  std::shared_ptr<const StreamRules> streams;  // null: the defaults
  uint64_t stream_fingerprint = 0;             // like `socket_fingerprint`, for event streams
};

// The fingerprint of a socket or stream of a route, whose fingerprint is `settings`, under the key that has
// signed its token (policy::VerifiedToken::key()).
constexpr uint64_t fingerprint_under(uint64_t settings, uint64_t key) {
  return settings ^ (key * 0x9e37'79b9'7f4a'7c15);  // odd, so that every key differs
}

}  // namespace postern::routing
