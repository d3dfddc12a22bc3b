#include "proxy/verify_token.h"

#include <memory>

#include "policy/jwt_providers.h"
#include "policy/token_cache.h"
#include "proxy/judging.h"

namespace postern::proxy {
namespace {

constexpr int waits_max = 3;

}  // namespace

base::Task<base::Result<policy::JwtVerifier::Result>> verify_token(ExchangeState& exchange,
                                                                   const policy::JwtVerifier& verifier,
                                                                   size_t keys, std::string_view text) {
  policy::RequestContext& context = *exchange.context;
  const state::LiveKeys& live_keys = *context.state.keys[keys];
  context.awaited.reset();
  context.now = exchange.services.turn.now;
  context.now_unix = exchange.services.unix_now();
  for (int waits = 0;; ++waits) {
    policy::JwtVerifier::Result token =
        context.tokens.verify(verifier, live_keys, policy::TokenCache::Text(text), context.now_unix);
    if (token || waits == waits_max) co_return std::move(token);
    std::unique_ptr<policy::Awaited> awaited = policy::wait_for_keys(live_keys, context, token.error());
    if (!awaited) co_return std::move(token);
    policy::Verdict verdict = policy::Verdict::wait(std::move(awaited));
    base::Task<base::Result<void>> waiting = await_once(exchange, verdict);
    base::Result<void> waited = co_await waiting;
    if (!waited) co_return base::fail(waited.error());
  }
}

}  // namespace postern::proxy
