// The causes of failure, each declared once. An Error is two bytes: a cause, and the stage in which it
// happened. One table (error.cpp) says for each cause which side is at fault, what status a client receives,
// whether a retry is allowed, and the sentences that people read in logs, metrics and `explain`.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error_fwd.h"

namespace postern::base {

enum class Cause : uint8_t {
  // caused by the client
  client_closed,
  client_timed_out,
  client_too_slow,
  client_silent,
  client_not_reading,
  client_frame_invalid,
  client_message_refused,
  bad_request,
  head_too_large,
  target_too_long,
  body_too_large,
  unsupported_version,
  expectation_failed,
  upgrade_required,
  tls_expected,
  tls_unexpected,
  tls_handshake_failed,
  proxy_header_invalid,
  // refused by a rule
  no_route,
  method_not_allowed,
  connect_not_served,
  rate_limited,
  too_many_connections,
  too_many_sockets,
  too_many_streams,
  file_not_found,
  range_not_satisfiable,
  origin_refused,
  cross_site_refused,
  address_refused,
  misdirected_request,
  client_certificate_missing,
  client_certificate_refused,
  credentials_missing,
  credentials_malformed,
  credentials_refused,
  too_many_passwords,
  auth_refused,
  token_missing,
  token_malformed,
  token_expired,
  token_revoked,
  token_not_yet_valid,
  token_signature,
  token_algorithm,
  token_key_unknown,
  token_claims,
  ticket_refused,
  claims_refused,
  logout_refused,
  // caused by the upstream
  upstream_unresolved,
  upstream_refused,
  upstream_unreachable,
  upstream_tls_failed,
  upstream_closed,
  upstream_timed_out,
  upstream_bad_response,
  upstream_head_too_large,
  upstream_bad_handshake,
  upstream_upgrade_unanswered,
  upstream_silent,
  upstream_stream_silent,
  upstream_frame_invalid,
  upstream_message_refused,
  // caused by the gateway
  no_endpoint,
  upstream_at_limit,
  hold_expired,
  maintenance,
  keys_unavailable,
  revocations_full,
  password_checks_full,
  tickets_full,
  auth_unavailable,
  auth_timed_out,
  auth_bad_answer,
  auth_waits_full,
  file_unreadable,
  timed_out,
  shutting_down,
  route_changed,
  max_age_reached,
  overloaded,
  loop,
  internal,
};
inline constexpr int cause_count = static_cast<int>(Cause::internal) + 1;
static_assert(cause_count <= cause_max);

// The stage of an exchange or a connection in which an error happened, in the order in which they pass
// through it.
enum class Stage : uint8_t {
  accept,
  tls_handshake,
  request_head,
  routing,
  policy,
  resolve,
  connect,
  upstream_tls,
  request_body,
  response_head,
  response_body,
  tunnel,
  drain,
};
inline constexpr int stage_count = static_cast<int>(Stage::drain) + 1;
static_assert(stage_count <= stage_max);

// Whether an attempt that failed with this cause may be retried on another endpoint:
//   never            the answer is final
//   if_unsent        only while no byte of the request was given to an endpoint
//   if_idempotent    also after it was sent, when the method is idempotent and no body was consumed
enum class Retry : uint8_t { never, if_unsent, if_idempotent };

struct ErrorTraits {
  Cause cause;
  std::string_view label;  // access log and metric label; stable
  Side fault;              // the side at fault
  uint16_t status;         // what a client receives if no response has started
  Retry retry;
  Severity severity;
  std::string_view meaning;  // one plain sentence
  std::string_view remedy;   // what the operator can do about it; one plain sentence
};

const ErrorTraits& traits(Cause cause);
std::string_view label(Stage stage);
std::string_view label(Side side);

}  // namespace postern::base
