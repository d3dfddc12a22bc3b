// What is known of one request while it is judged: the facts it came with, and what policies learned so far.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "http/head.h"
#include "http/target.h"
#include "policy/jwt_verifier.h"
#include "policy/socket_counts.h"
#include "policy/token_cache.h"

namespace postern::policy {

class FieldRules;
class RateLimiter;

// How a client stands with the limit that has the least left for it.
struct RateLimitState {
  const RateLimiter* limiter = nullptr;
  uint32_t remaining = 0;
  base::Duration until_full{};
};
// Of the limits before the tokens, and of those behind them.
using RateLimitStates = std::array<std::optional<RateLimitState>, 2>;

struct RequestContext {
  // --- facts ---
  http::RequestHead& request;    // policies may remove fields (a spoofed claim field, a used token)
  const http::Target& target;    // read from request.target
  base::IpAddress client;        // after the trust list was applied
  int64_t now_unix = 0;          // seconds
  TokenCache& tokens;            // this worker's
  base::Instant now{};           // the worker's turn
  uint64_t body_size_max = 0;    // bytes; 0: no limit
  bool tls = false;              // the client speaks https, as far as the trust list lets us believe it
  std::string_view authority{};  // host[:port] that the client asked for, likewise; empty: it did not say
  std::string_view request_id{};
  std::string_view route{};     // names, as soon as they are known, and where there are such
  std::string_view upstream{};  //
  std::string_view endpoint{};  // as it is written in the configuration

  // --- learned ---
  std::string_view allowed_origin{};  // the request's Origin, when the list has it; else empty
  bool origin_checked = false;        // the route has an origin list
  bool preflight_answered = false;    // the answer and its CORS fields are our own
  std::shared_ptr<const VerifiedToken> token{};
  std::string_view token_query_parameter{};  // where a token was found, for redaction; the policy owns it
  // Fields for the endpoint, in place of any the client sent under the same name.
  std::vector<std::pair<std::string, std::string>> forwarded_fields{};
  std::unique_ptr<RateLimitStates> rate_limits{};  // null: no limit has judged it
  const FieldRules* request_rules{};               // for what the endpoint gets; the policy owns them
  std::string selected_subprotocol{};  // the token's subprotocol marker that must be echoed, see jwt_policy
  std::vector<SocketCounts::Permit> socket_permits{};  // for the WebSocket or event stream to hold
};

}  // namespace postern::policy
