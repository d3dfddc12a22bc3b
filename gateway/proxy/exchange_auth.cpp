#include "proxy/exchange_auth.h"

#include "proxy/auth_calls.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

policy::AuthDesk::Reply ExchangeAuth::ask(const policy::AuthServer& server, bool alone) {
  AuthCalls::Reply answer = exchange_.services.auth_calls.ask(exchange_, server, alone);
  if (answer.kept) series_of(exchange_).add(telemetry::RouteCount::auth_cached);
  return std::move(answer.reply);
}

void ExchangeAuth::count(const policy::AuthServer& server, policy::AuthOutcome outcome) {
  using telemetry::RouteCount;
  const bool refreshes = server.token.has_value();
  RouteCount count = refreshes ? RouteCount::refresh_failed : RouteCount::auth_failed;
  if (outcome == policy::AuthOutcome::passed)
    count = refreshes ? RouteCount::refresh_done : RouteCount::auth_passed;
  if (outcome == policy::AuthOutcome::refused)
    count = refreshes ? RouteCount::refresh_refused : RouteCount::auth_refused;
  series_of(exchange_).add(count);
}

}  // namespace postern::proxy
