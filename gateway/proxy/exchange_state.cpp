#include "proxy/exchange_state.h"

#include <algorithm>

#include "base/error.h"
#include "policy/verified_token.h"
#include "tunnel/tunnel_set.h"

namespace postern::proxy {

using base::Cause;
using base::Result;
using base::Stage;

InLine::InLine(ExchangeState& exchange) : exchange_(exchange) {
  exchange_.in_line = true;
  if (exchange_.client_ended) exchange_.scope.cancel(Cause::client_closed);
}

const policy::VerifiedToken* ExchangeState::binding_token() const {
  if (!context || (context->token_judged && context->token_judged->reports_only)) return nullptr;
  return context->token.get();
}

std::unique_ptr<tunnel::HeldToken> ExchangeState::held_token(std::optional<base::Duration> grace) const {
  const policy::VerifiedToken* token = binding_token();
  if (!token) return nullptr;
  auto held = std::make_unique<tunnel::HeldToken>(
      tunnel::HeldToken{token->marks(), token->key(), token->expires_at(), token->accepted_until(), grace});
  const policy::TokenJudged& judged = *context->token_judged;
  if (judged.renewable)
    held->place = services.tunnels.sessions().join(
        state::session_of(judged.provider, held->marks), facts.request_id,
        judged.rule_claims
            ? state::LiveSessions::Claims{*judged.rule_claims, token->digest_of(**judged.rule_claims)}
            : state::LiveSessions::Claims());
  return held;
}

Result<void> read_request(ExchangeState& exchange) {
  http::RequestHead& request = exchange.stream.request();
  RequestFacts& facts = exchange.facts;
  Services& services = exchange.services;
  read_facts(facts, exchange.snapshot(), exchange.stream, true, services.request_ids);
  if (request.target != "*") {
    const tl::expected<void, std::string_view> read = http::read_target(request.target, facts.target);
    if (!read) return base::fail(exchange.failed(Cause::bad_request, Stage::routing, read.error()));
  }
  exchange.context.emplace(policy::RequestContext{.request = request,
                                                  .target = facts.target,
                                                  .client = facts.client.address,
                                                  .now_unix = services.unix_now(),
                                                  .tokens = services.tokens,
                                                  .key_waits = services.key_waits,
                                                  .state = exchange.pin->state,
                                                  .now = services.turn.now,
                                                  .tls = facts.client.tls,
                                                  .authority = facts.client.authority,
                                                  .request_id = facts.request_id,
                                                  .passwords = &services.passwords,
                                                  .tickets = &services.tickets,
                                                  .auth = &exchange.auth,
                                                  .messages = &exchange.first_message});
  return {};
}

Result<void> read_judged_target(ExchangeState& exchange) {
  const std::string_view target = exchange.stream.request().target;
  const std::string_view original = exchange.facts.original_target;
  if (target.data() == original.data() && target.size() == original.size()) return {};
  // What was judged goes on: on a route with strict paths, the normalised path.
  const bool is_strict = exchange.route && exchange.route->strict_paths;
  const auto read = is_strict ? http::read_strict_target(target, exchange.facts.target)
                              : http::read_target(target, exchange.facts.target);
  if (!read) return base::fail(exchange.failed(Cause::bad_request, Stage::policy, read.error()));
  return {};
}

}  // namespace postern::proxy
