#include "proxy/renewal.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "policy/token_cache.h"
#include "policy/verified_token.h"
#include "proxy/verify_token.h"
#include "tunnel/tunnel_set.h"

namespace postern::proxy {
namespace {

using base::Cause;
using base::Result;
using base::Task;
using policy::AnswerTokenPlace;
using policy::VerifiedToken;

constexpr std::string_view by_endpoint = "renew";
constexpr std::string_view by_refresh = "refresh_calls";
constexpr std::string_view by_message = "renewal_message";
constexpr std::string_view connection_field = "Postern-Connection";

// Gives the token to what its session has open. Returns to how many WebSockets and event streams.
size_t renew(ExchangeState& exchange, std::string_view provider,
             const std::shared_ptr<const VerifiedToken>& token, std::string_view connection,
             std::string_view by) {
  const size_t renewed = exchange.services.tunnels.sessions().renew(
      state::session_of(provider, token->marks()), token, connection);
  exchange.services.metrics.process.add(telemetry::Count::tokens_renewed, renewed);
  if (renewed > 0)
    exchange.services.access_log.renewal({.by = by,
                                          .connections = renewed,
                                          .route = exchange.route->name,
                                          .request_id = exchange.facts.request_id});
  return renewed;
}

// Its exchange no longer exists, but for the services.
class SocketTokens final : public tunnel::TokenDesk {
 public:
  explicit SocketTokens(const ExchangeState& exchange)
      : services_(exchange.services),
        provider_(exchange.context->token_judged->provider),
        route_(exchange.route->name),
        request_id_(exchange.facts.request_id),
        verifier_(*exchange.context->token_judged->verifier),
        keys_(exchange.context->state.keys[exchange.context->token_judged->keys]) {}

  void renew(tunnel::TokenHolder& holder, std::string_view text) override {
    const policy::JwtVerifier::Result token =
        services_.tokens.verify(*verifier_, *keys_, policy::TokenCache::Text(text), services_.unix_now());
    if (!token) {
      // The keys are asked for; the socket waits for none, and the client may send the token again.
      if (token.error().unknown_key != 0 && keys_->are_fetched()) services_.key_waits.wait_for(*keys_, false);
      return tell("the token of the message: " + token.error().detail, 0);
    }
    if (!holder.renew_token(state::session_of(provider_, (*token)->marks()), **token))
      return tell(
          "the token of the message is of another session, says something else, or does not last longer", 0);
    services_.metrics.process.add(telemetry::Count::tokens_renewed);
    tell({}, 1);
  }

 private:
  void tell(std::string_view detail, uint64_t connections) const {
    services_.access_log.renewal({.by = by_message,
                                  .connections = connections,
                                  .detail = detail,
                                  .route = route_,
                                  .request_id = request_id_});
  }

  const Services& services_;
  std::string provider_;
  std::string route_;
  std::string request_id_;
  std::shared_ptr<const policy::JwtVerifier> verifier_;
  std::shared_ptr<const state::LiveKeys> keys_;
};

}  // namespace

std::unique_ptr<tunnel::TokenDesk> token_desk(const ExchangeState& exchange,
                                              const routing::SocketRules& rules) {
  if (!rules.renewal_message || !exchange.binding_token()) return nullptr;
  return std::make_unique<SocketTokens>(exchange);
}

http::LocalResponse renewal_answer(ExchangeState& exchange) {
  const std::shared_ptr<const VerifiedToken>& token = exchange.context->token;
  if (!token) return http::refusal(Cause::token_missing, "what is open is renewed with a token");
  const http::HeaderField* named = exchange.stream.request().headers.find(connection_field);
  const std::string_view connection = named ? named->value : std::string_view();
  const size_t renewed =
      renew(exchange, exchange.context->token_judged->provider, token, connection, by_endpoint);
  http::LocalResponse response;
  response.body = "{\"renewed\":" + std::to_string(renewed);
  if (token->expires_at() != VerifiedToken::never)
    response.body += ",\"expires_at\":" + std::to_string(token->expires_at());
  response.body += "}\n";
  response.headers.emplace_back("Content-Type", "application/json");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

bool RefreshWatch::is_refresh() const {
  const routing::RefreshCalls* rules = exchange_.route->refresh_calls.get();
  if (!rules) return false;
  const http::Method method = exchange_.stream.request().method;
  if (method == http::Method::head || method == http::Method::options) return false;
  return std::find(rules->paths.begin(), rules->paths.end(), exchange_.facts.target.path) !=
         rules->paths.end();
}

void RefreshWatch::prepare_request() {
  if (!is_refresh()) return;
  reads_body_ = exchange_.route->refresh_calls->token.kind == AnswerTokenPlace::Kind::json;
  if (reads_body_) exchange_.stream.request().headers.remove("Accept-Encoding");
}

void RefreshWatch::read_head(const http::ResponseHead& head) {
  if (!is_refresh() || head.status / 100 != 2) return;
  is_answered_ = true;
  const http::HeaderField* coding = head.headers.find("Content-Encoding");
  is_compressed_ = coding && !base::equal_ignoring_case(coding->value, "identity");
  if (!reads_body_)
    token_ = policy::read_answer_token(exchange_.route->refresh_calls->token, head.headers, {});
}

base::PumpWatcher* RefreshWatch::body_watcher() { return is_answered_ && reads_body_ ? this : nullptr; }

// One byte more than is allowed stands for all further ones.
void RefreshWatch::on_chunk(const base::Chunk& chunk) {
  const std::string_view text = base::text_of(chunk.bytes());
  body_.append(text.substr(0, body_max + 1 - body_.size()));
}

Task<Result<void>> RefreshWatch::finish() {
  if (!is_answered_) co_return Result<void>();
  const routing::RefreshCalls& rules = *exchange_.route->refresh_calls;
  if (reads_body_ && is_compressed_)
    token_ = tl::unexpected(std::string("is compressed, although that was not asked for"));
  else if (reads_body_)
    token_ = body_.size() > body_max ? tl::unexpected(std::string("is larger than 64KiB"))
                                     : policy::read_answer_token(rules.token, {}, body_);
  if (!token_) {
    tell("the answer " + token_.error());
    co_return Result<void>();
  }
  Task<Result<policy::JwtVerifier::Result>> verifying =
      verify_token(exchange_, *rules.verifier, rules.keys, *token_);
  Result<policy::JwtVerifier::Result> verified = co_await verifying;
  if (!verified) co_return base::fail(verified.error());
  if (*verified)
    renew(exchange_, rules.provider, **verified, {}, by_refresh);
  else
    tell("the token of the answer: " + verified->error().detail);
  co_return Result<void>();
}

void RefreshWatch::tell(std::string_view detail) const {
  exchange_.services.access_log.renewal({.by = by_refresh,
                                         .detail = detail,
                                         .route = exchange_.route->name,
                                         .request_id = exchange_.facts.request_id});
}

}  // namespace postern::proxy
