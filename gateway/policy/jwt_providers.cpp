#include "policy/jwt_providers.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/error.h"
#include "policy/key_waits.h"
#include "policy/request_context.h"
#include "policy/token_cache.h"
#include "state/bindings.h"

namespace postern::policy {
namespace {

using base::Cause;

constexpr std::string_view not_fetched = "The keys of the token's provider could not be fetched.";

constexpr uint32_t bit(size_t provider) { return uint32_t{1} << provider; }

// How far a verifier has come with a token that it refuses for this cause.
int progress(Cause cause) {
  switch (cause) {
    case Cause::token_malformed: return 0;
    case Cause::token_algorithm: return 1;
    case Cause::token_key_unknown: return 2;
    case Cause::keys_unavailable: return 3;  // nothing is known against the token
    case Cause::token_signature: return 4;
    default: return 5;  // the signature is right
  }
}

}  // namespace

JwtProviders::JwtProviders(std::vector<JwtProvider> providers) : providers_(std::move(providers)) {
  base::check(!providers_.empty() && providers_.size() <= most, "a route has 1 to 8 providers of tokens");
  for (size_t i = 0; i < providers_.size(); ++i) {
    for (const JwtSource& source : providers_[i].sources) {
      const auto known = std::find(sources_.begin(), sources_.end(), source);
      const auto place = static_cast<size_t>(known - sources_.begin());
      if (known == sources_.end()) {
        sources_.push_back(source);
        looking_.push_back(0);
      }
      looking_[place] |= bit(i);
    }
  }
}

const state::LiveKeys& JwtProviders::keys_of(size_t provider, const RequestContext& context) const {
  return *context.state.keys[providers_[provider].keys];
}

// A token that is known costs one look into the cache, whichever of the providers has issued it.
JwtProviders::Outcome JwtProviders::ask(uint32_t providers, std::string_view token, RequestContext& context,
                                        std::vector<Refused>& refused) const {
  const TokenCache::Text text(token);
  for (size_t i = 0; i < providers_.size(); ++i) {
    if ((providers & bit(i)) == 0) continue;
    auto known = context.tokens.find(*providers_[i].verifier, keys_of(i, context), text, context.now_unix);
    if (!known) continue;
    if (*known) return {.provider = &providers_[i], .token = std::move(**known)};
    refused.push_back({i, std::move(known->error())});  // it was revoked
    providers &= ~bit(i);
  }
  for (size_t i = 0; i < providers_.size(); ++i) {
    if ((providers & bit(i)) == 0) continue;
    JwtVerifier::Result verified =
        context.tokens.verify(*providers_[i].verifier, keys_of(i, context), text, context.now_unix);
    if (verified) return {.provider = &providers_[i], .token = std::move(*verified)};
    refused.push_back({i, std::move(verified.error())});
  }
  return {};
}

JwtProviders::Outcome JwtProviders::refuse(size_t provider, Cause cause, std::string detail) const {
  auto error = std::make_unique<TokenError>(TokenError{cause, std::move(detail), 0});
  return {.provider = &providers_[provider], .refusal = std::move(error)};
}

JwtProviders::Outcome JwtProviders::judge(RequestContext& context, FoundToken& found) const {
  std::vector<Refused> refused;
  uint32_t asked = 0;
  for (size_t place = 0; place < sources_.size(); ++place) {
    const uint32_t asking = looking_[place] & ~asked;
    if (asking == 0) continue;
    const JwtSource& source = sources_[place];
    const auto first = static_cast<size_t>(std::countr_zero(asking));
    if (source.kind == JwtSource::Kind::ticket && !redeem_ticket(source, context))
      return refuse(first, Cause::ticket_refused, "the ticket in the query parameter " + source.name);
    const auto token = read_token(source, context, found.decoded);
    if (!token) return refuse(first, Cause::token_malformed, token.error());
    if (token->empty()) continue;
    const bool in_query = source.kind == JwtSource::Kind::query || source.kind == JwtSource::Kind::ticket;
    if (in_query) context.token_query_parameter = source.name;
    found.text = *token;
    found.source = &source;
    const size_t before = refused.size();
    if (Outcome outcome = ask(asking, *token, context, refused); outcome.provider) return outcome;
    for (size_t one = before; one < refused.size(); ++one) refused[one].source = &source;
    asked |= asking;
  }
  if (refused.empty()) return {};
  return settle(std::move(refused), context);
}

JwtProviders::Outcome JwtProviders::judge_by(const JwtProvider& provider, std::string_view token,
                                             RequestContext& context) const {
  std::vector<Refused> refused;
  const auto index = static_cast<size_t>(&provider - providers_.data());
  if (Outcome outcome = ask(bit(index), token, context, refused); outcome.provider) return outcome;
  return settle(std::move(refused), context);
}

std::shared_ptr<const VerifiedToken> JwtProviders::accept(size_t place, std::string_view token,
                                                          RequestContext& context) const {
  std::vector<Refused> refused;
  return ask(looking_[place], token, context, refused).token;
}

// The provider whose keys the request has waited for comes first. So it is known, before the request waits
// for another one, what has become of that wait, and each provider makes it wait twice at most.
JwtProviders::Outcome JwtProviders::settle(std::vector<Refused> refused, RequestContext& context) const {
  const auto* waited = static_cast<const AwaitedKeys*>(context.awaited.get());
  if (waited)
    std::stable_partition(refused.begin(), refused.end(),
                          [&](const Refused& one) { return waited->are_of(keys_of(one.provider, context)); });
  for (Refused& one : refused) {
    const state::LiveKeys& keys = keys_of(one.provider, context);
    if ((context.waited_for_keys & bit(one.provider)) != 0) {
      // Nothing is known against a token whose key has not been looked for in vain.
      const bool is_open = one.error.cause == Cause::keys_unavailable ||
                           (one.error.unknown_key != 0 && !keys.is_missing(one.error.unknown_key));
      if (is_open) one.error = {Cause::keys_unavailable, std::string(not_fetched), 0};
      continue;
    }
    if (std::unique_ptr<Awaited> awaited = wait_for_keys(keys, context, one.error))
      return {.provider = &providers_[one.provider], .awaited = std::move(awaited)};
    if (waited && waited->are_of(keys)) context.waited_for_keys |= bit(one.provider);
  }
  std::stable_sort(refused.begin(), refused.end(), [](const Refused& a, const Refused& b) {
    return progress(a.error.cause) > progress(b.error.cause);
  });
  const Refused& furthest = refused.front();
  Outcome outcome = refuse(furthest.provider, furthest.error.cause, worded(refused));
  for (const Refused& one : refused)
    if (one.error.expired && one.source && !outcome.expired)
      outcome.expired = {&providers_[one.provider], one.source, one.error.expired};
  return outcome;
}

// Only a fetch that begins after the request can tell that a key does not exist, so a request waits a second
// time when it has come during a fetch: a provider may have begun to sign with a new key a moment ago. Where
// fetches fail, nothing is known against the token.
std::unique_ptr<Awaited> wait_for_keys(const state::LiveKeys& keys, RequestContext& context,
                                       TokenError& error) {
  const bool none = error.cause == Cause::keys_unavailable;
  if (!keys.are_fetched() || !(none || error.unknown_key != 0)) return nullptr;
  const auto* waited = static_cast<const AwaitedKeys*>(context.awaited.get());
  if (waited && !waited->are_of(keys)) waited = nullptr;
  const state::LiveKeys::Fetches fetches = keys.fetches();
  if (waited && !none && fetches.succeeded > waited->asked_after()) {
    keys.note_missing(error.unknown_key);
    return nullptr;
  }
  if (waited && (waited->is_late() || waited->again() || fetches.ended > waited->asked_after())) {
    error = {Cause::keys_unavailable, std::string(not_fetched), 0};
    return nullptr;
  }
  if (!waited && !none && context.now < fetches.next_allowed && keys.is_missing(error.unknown_key))
    return nullptr;
  if (std::unique_ptr<AwaitedKeys> awaited = context.key_waits.wait_for(keys, waited != nullptr))
    return awaited;
  error = {Cause::keys_unavailable, "Too many requests wait for the keys of the token's provider.", 0};
  return nullptr;
}

// With several providers, what each says.
std::string JwtProviders::worded(const std::vector<Refused>& refused) const {
  if (providers_.size() == 1) return refused.front().error.detail;
  std::string text;
  for (const Refused& one : refused) {
    if (!text.empty()) text += ' ';
    text.append(providers_[one.provider].name).append(": ").append(one.error.detail);
  }
  return text;
}

}  // namespace postern::policy
