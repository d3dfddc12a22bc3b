// The context in which one request is judged: the facts about the request, and what the policies have
// learned.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error_fwd.h"
#include "base/ip_address.h"
#include "http/head.h"
#include "http/local_response.h"
#include "http/target.h"
#include "policy/awaited.h"
#include "policy/report_only.h"
#include "state/socket_counts.h"

namespace postern::net {
struct ClientCertificate;
}

namespace postern::state {
class RateLimiter;
struct Bindings;
class Tickets;
}  // namespace postern::state

namespace postern::policy {

class AuthDesk;
class FieldRules;
class JwtVerifier;
class KeyWaits;
class MessageDesk;
class PasswordDesk;
class TokenCache;
class VerifiedToken;
struct RedeemedTicket;
struct TokenExchange;

// The client's state in the limit with the fewest remaining requests.
struct RateLimitState {
  const state::RateLimiter* limiter = nullptr;
  uint32_t remaining = 0;
  base::Duration until_full{};
};
// For the limits before the token check, and for the limits after it.
using RateLimitStates = std::array<std::optional<RateLimitState>, 2>;

// What AnyAccessPolicy has asked so far: the ways in that have refused the request, in their order.
struct WaysTried {
  std::vector<http::LocalResponse> refusals;
};

// What JwtPolicy has found out about the token of a request, for the log and the metrics.
struct TokenJudged {
  std::string_view provider{};           // the name in jwt; the policy's text
  size_t keys = 0;                       // index into state::Names::keys, which has the providers
  std::optional<base::Cause> refused{};  // nullopt: it was accepted
  std::string_view rule{};               // the last rule that did not permit the request; the policy's text
  std::shared_ptr<const VerifiedToken> token{};  // also one that no rule permits; null: none was verified
  const std::shared_ptr<const JwtVerifier>* verifier = nullptr;  // the provider's; the policy's
  bool renewable = false;  // a newer token of its session may take its place
  // The claims in which such a token must say the same; null: it may say anything. The policy's.
  const std::shared_ptr<const std::vector<std::string>>* rule_claims = nullptr;
  bool reports_only = false;  // the route refuses nothing because of a token
  bool is_counted = false;
};

struct RequestContext {
  // --- facts ---
  http::RequestHead& request;    // policies may remove fields (a spoofed claim field, a used token)
  const http::Target& target;    // read from request.target
  base::IpAddress client;        // after the trust list was applied
  int64_t now_unix = 0;          // seconds
  TokenCache& tokens;            // this worker's
  KeyWaits& key_waits;           // likewise
  const state::Bindings& state;  // what the route's rules refer to; the pin holds them
  base::Instant now{};           // the worker's turn
  uint64_t body_size_max = 0;    // bytes; 0: no limit
  bool tls = false;              // the client uses https, as far as the trust list allows to believe it
  std::string_view authority{};  // host[:port] of the request, likewise; empty: it has none
  std::string_view request_id{};
  std::string_view route{};           // names, set as soon as they are known
  std::string_view upstream{};        //
  std::string_view endpoint{};        // as written in the configuration
  PasswordDesk* passwords = nullptr;  // this worker's; null in tests without passwords
  state::Tickets* tickets = nullptr;  // the process's; null in tests without tickets
  AuthDesk* auth = nullptr;           // for this request; null in tests without such a server
  MessageDesk* messages = nullptr;    // for this request; null in tests without messages
  const net::ClientCertificate* certificate = nullptr;  // that the client has shown; null: none

  // --- judging; see Pipeline ---
  std::unique_ptr<Awaited> awaited{};  // what the policy that is asked next has waited for; null: nothing
  size_t resume_at = 0;                // the place of that policy
  uint32_t waited_for_keys = 0;  // providers whose keys were waited for to the end, as bits: JwtProviders
  std::shared_ptr<TokenExchange> exchange{};  // of an expired token; null: none has begun
  std::unique_ptr<WaysTried> ways{};          // null: the route has no choice of ways in, or none was tried

  // --- learned ---
  std::string_view allowed_origin{};  // the request's Origin when it is on the list; otherwise empty
  bool origin_checked = false;        // an origin list is in force for the request
  bool preflight_answered = false;    // the response and its CORS fields are the gateway's own
  std::shared_ptr<const VerifiedToken> token{};
  std::shared_ptr<const RedeemedTicket> ticket{};  // where the token came from; null: no ticket
  std::string_view token_text{};              // the token as it was sent, where the route's action needs it
  std::optional<TokenJudged> token_judged{};  // nullopt: the route asks for no token, or none had to be there
  std::string_view token_query_parameter{};  // the parameter with the token, for redaction; the policy's text
  // Fields for the endpoint; they replace fields of the client with the same name.
  std::vector<std::pair<std::string, std::string>> forwarded_fields{};
  std::unique_ptr<RateLimitStates> rate_limits{};  // null: no limit has judged the request
  std::vector<std::string> set_cookies{};          // of a server that was asked, for the client
  const FieldRules* request_rules{};               // for the endpoint's request; the policy owns them
  std::string selected_subprotocol{};              // marker of a token's subprotocol to echo, see jwt_policy
  std::vector<ReportedRefusal> reported{};         // by rules that report only; taken when they are logged
  std::string_view added_subprotocol{};            // marker that the gateway offers with a token it has moved
  std::vector<state::SocketCounts::Permit> socket_permits{};  // the WebSocket or event stream keeps them
};

}  // namespace postern::policy
