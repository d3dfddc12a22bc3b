#include "proxy/exchange_auth.h"

#include "proxy/auth_calls.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

policy::AuthDesk::Reply ExchangeAuth::ask(const policy::AuthServer& server, bool alone) {
  AuthCalls::Reply answer = exchange_.services.auth_calls.ask(exchange_, server, alone);
  if (answer.kept) series_of(exchange_).add(telemetry::RouteCount::auth_cached);
  return std::move(answer.reply);
}

void ExchangeAuth::count(policy::AuthOutcome outcome) {
  using telemetry::RouteCount;
  switch (outcome) {
    case policy::AuthOutcome::passed: return series_of(exchange_).add(RouteCount::auth_passed);
    case policy::AuthOutcome::refused: return series_of(exchange_).add(RouteCount::auth_refused);
    case policy::AuthOutcome::failed: return series_of(exchange_).add(RouteCount::auth_failed);
  }
}

}  // namespace postern::proxy
