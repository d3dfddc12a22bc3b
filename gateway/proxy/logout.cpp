#include "proxy/logout.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "policy/verified_token.h"
#include "tunnel/tunnel_set.h"

namespace postern::proxy {
namespace {

using state::Revocation;
using Outcome = telemetry::LogoutRecord::Outcome;

constexpr std::string_view by_path = "logout";
constexpr int64_t longest_life = 10 * 365 * 24 * 3600;  // seconds

bool is_logout(const ExchangeState& exchange, uint16_t status) {
  const routing::LogoutRules* rules = exchange.route->logout.get();
  if (!rules || !exchange.context->token || (status / 100 != 2 && status / 100 != 3)) return false;
  const http::Method method = exchange.stream.request().method;
  if (method == http::Method::head || method == http::Method::options) return false;
  return std::find(rules->paths.begin(), rules->paths.end(), exchange.facts.target.path) !=
         rules->paths.end();
}

void log(ExchangeState& exchange, Outcome outcome, std::string_view by, std::string_view named) {
  exchange.services.access_log.logout({.outcome = outcome,
                                       .by = by,
                                       .named = named,
                                       .route = exchange.route->name,
                                       .request_id = exchange.facts.request_id});
}

}  // namespace

bool revoke(ExchangeState& exchange, Revocation revocation, base::Duration lasts, std::string_view by,
            std::string_view named) {
  const int64_t now = exchange.services.unix_now();
  revocation.until = now + std::chrono::ceil<std::chrono::seconds>(lasts).count();
  const bool added =
      exchange.services.tunnels.revocations().add(revocation, now, state::Revocations::Asker::logout) !=
      state::Revocations::Added::full;
  if (!added) exchange.services.metrics.failures.add({base::Cause::revocations_full, base::Stage::policy});
  log(exchange, added ? Outcome::revoked : Outcome::full, by, named);
  return added;
}

void note_logout(ExchangeState& exchange, uint16_t status) {
  if (!is_logout(exchange, status)) return;
  const policy::VerifiedToken& token = *exchange.context->token;
  Revocation revocation{Revocation::Kind::session, token.name_text("sid"), token.name_text("iss"), 0, 0};
  std::string_view named = "sid";
  base::Duration lasts = exchange.route->logout->lasts;
  if (revocation.value.empty()) {
    revocation.kind = Revocation::Kind::token;
    revocation.value = token.name_text("jti");
    named = "jti";
    // Another token with this id does not exist.
    if (token.accepted_until() != policy::VerifiedToken::never)
      lasts = std::chrono::seconds(
          std::clamp<int64_t>(token.accepted_until() - exchange.services.unix_now(), 1, longest_life));
  }
  if (revocation.value.empty()) return log(exchange, Outcome::unnamed, by_path, {});
  revoke(exchange, std::move(revocation), lasts, by_path, named);
}

}  // namespace postern::proxy
