// The services of a worker that its exchanges use; they outlive the exchanges.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/turn.h"
#include "policy/key_waits.h"
#include "policy/password_desk.h"
#include "policy/token_cache.h"
#include "proxy/stream_set.h"
#include "state/tickets.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"
#include "telemetry/request_id.h"
#include "upstream/connector.h"

namespace postern::tunnel {
class TunnelSet;
}

namespace postern::proxy {

class AuthCalls;

struct Services {
  base::Turn& turn;
  upstream::Connector& connector;
  policy::TokenCache& tokens;
  policy::KeyWaits& key_waits;
  policy::PasswordDesk& passwords;
  state::Tickets& tickets;
  AuthCalls& auth_calls;
  telemetry::AccessLog& access_log;
  telemetry::RequestIdSource& request_ids;
  tunnel::TunnelSet& tunnels;
  StreamSet& streams;
  telemetry::Metrics& metrics;
  std::chrono::milliseconds (*unix_time)();  // wall clock, for tokens and Date
  int64_t unix_now() const { return std::chrono::floor<std::chrono::seconds>(unix_time()).count(); }
};

}  // namespace postern::proxy
