#include "policy/jwt_policy.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "http/path_readings.h"
#include "policy/cors.h"
#include "policy/message_desk.h"
#include "policy/report_only.h"
#include "policy/request_context.h"
#include "policy/token_refusal.h"
#include "policy/verified_token.h"

namespace postern::policy {
namespace {

std::string place_of(const JwtSource& source) {
  switch (source.kind) {
    case JwtSource::Kind::header: return "the field " + source.name;
    case JwtSource::Kind::cookie: return "the cookie " + source.name;
    case JwtSource::Kind::query: return "the query parameter " + source.name;
    case JwtSource::Kind::ticket: return "the ticket in the query parameter " + source.name;
    case JwtSource::Kind::subprotocol: return "Sec-WebSocket-Protocol";
    case JwtSource::Kind::message: return name_of(*source.message) + ", the first message";
  }
  return {};
}

std::string places_of(const std::vector<JwtSource>& sources, const RequestContext& context) {
  std::string text = "the request has no token in ";
  for (size_t i = 0; i < sources.size(); ++i) {
    if (i > 0) text += i + 1 == sources.size() ? " or " : ", ";
    text += place_of(sources[i]);
  }
  if (context.messages && !context.messages->problem().empty())
    text.append("; ").append(context.messages->problem());
  return text;
}

// The claims that a route's rules read, and those that its endpoint is told, but those in which every token
// differs from the one before.
std::shared_ptr<const std::vector<std::string>> claims_of_rules(const JwtOptions& options) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (const ClaimRule& rule : options.rules) rule.condition.append_claims(*names);
  for (const JwtForwardedClaim& forwarded : options.forward_claims) names->push_back(forwarded.claim);
  std::erase_if(*names, [](const std::string& name) {
    return name == "exp" || name == "iat" || name == "nbf" || name == "jti";
  });
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
  if (names->empty()) return nullptr;
  return names;
}

// Whether the first message is late is kept by the desk, so that what is awaited next can take its place.
void take_message(RequestContext& context) {
  if (!dynamic_cast<AwaitedMessage*>(context.awaited.get())) return;
  if (context.awaited->is_late()) context.messages->expire();
  context.awaited.reset();
}

// For a request without a token in another place. Returns null where none is awaited.
std::unique_ptr<Awaited> await_message(const std::vector<JwtSource>& sources, RequestContext& context) {
  if (!context.messages || context.request.upgrade != http::Upgrade::websocket ||
      context.messages->was_asked())
    return nullptr;
  for (const JwtSource& source : sources)
    if (source.message) return context.messages->await(*source.message);
  return nullptr;
}

}  // namespace

JwtPolicy::JwtPolicy(JwtOptions options)
    : options_(std::move(options)),
      providers_(std::exchange(options_.providers, {})),
      rule_claims_(claims_of_rules(options_)) {
  has_twins_ =
      !options_.forward_claims.empty() ||
      std::any_of(providers_.sources().begin(), providers_.sources().end(), [](const JwtSource& source) {
        return source.kind == JwtSource::Kind::header && source.name.find_first_of("-_") != source.name.npos;
      });
}

std::string claim_field_value(std::string_view claim) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string value;
  value.reserve(claim.size());
  for (size_t i = 0; i < claim.size(); ++i) {
    const auto byte = static_cast<unsigned char>(claim[i]);
    const bool outer_space = byte == ' ' && (i == 0 || i + 1 == claim.size());
    if (byte < 0x20 || byte > 0x7e || byte == '%' || outer_space) {
      value += '%';
      value += digits[byte >> 4];
      value += digits[byte & 15];
    } else {
      value += claim[i];
    }
  }
  return value;
}

Verdict JwtPolicy::judge(RequestContext& context) const {
  take_message(context);
  if (context.exchange) return go_on_with_exchange(context);
  remove_claim_fields(context.request.headers);
  // A browser sends no token with a preflight. Where the route has no origin list, the endpoint answers the
  // preflight.
  if (!context.origin_checked && is_bare_preflight(context.request)) {
    for (const JwtSource& source : providers_.sources()) remove_token(source, context);
    return pass_without_token(context);
  }
  FoundToken found;
  JwtProviders::Outcome outcome = providers_.judge(context, found);
  if (!outcome.provider) {
    if (auto message = await_message(providers_.sources(), context)) return Verdict::wait(std::move(message));
    if (options_.required)
      return refuse(context, nullptr, {base::Cause::token_missing, places_of(providers_.sources(), context)});
    // A token is judged also where none is required, and one may be in a message that cannot be read.
    if (context.messages && context.messages->is_broken())
      return refuse(context, nullptr, {base::Cause::token_malformed, context.messages->problem()});
    Verdict ruled = apply_rules(context, nullptr, nullptr);
    return ruled.passes() ? pass_without_token(context) : std::move(ruled);
  }
  if (outcome.awaited) {
    note(context, outcome.provider).refused = base::Cause::keys_unavailable;
    // Where it reports only, no request waits: that the keys are asked for is enough.
    if (!options_.report_only) return Verdict::wait(std::move(outcome.awaited));
    return refuse(context, outcome.provider,
                  {base::Cause::keys_unavailable, "The keys of the token's provider are being fetched."});
  }
  if (outcome.refusal && outcome.expired && options_.refresh &&
      may_exchange(context, *outcome.expired->source))
    return begin_exchange(context, std::move(outcome));
  if (outcome.refusal) return refuse(context, outcome.provider, std::move(*outcome.refusal));
  return admit(context, found, std::move(outcome));
}

TokenJudged& JwtPolicy::note(RequestContext& context, const JwtProvider* provider) const {
  if (!context.token_judged) context.token_judged.emplace();
  // Without a token, the first provider stands for all that could have issued one.
  const JwtProvider& one = provider ? *provider : providers_.first();
  context.token_judged->provider = one.name;
  context.token_judged->keys = one.keys;
  context.token_judged->verifier = &one.verifier;
  context.token_judged->renewable = one.renewable;
  context.token_judged->rule_claims = rule_claims_ ? &rule_claims_ : nullptr;
  context.token_judged->reports_only = options_.report_only;
  return *context.token_judged;
}

Verdict JwtPolicy::refuse(RequestContext& context, const JwtProvider* provider, TokenError error) const {
  note(context, provider).refused = error.cause;
  Verdict verdict = settle(context, telemetry::ReportedRule::jwt, options_.report_only,
                           token_refusal(error.cause, std::move(error.detail)));
  if (verdict.passes()) clear_own_places(context);
  return verdict;
}

Verdict JwtPolicy::begin_exchange(RequestContext& context, JwtProviders::Outcome outcome) const {
  context.exchange = std::make_shared<TokenExchange>(
      TokenExchange{std::move(*outcome.expired), std::move(*outcome.refusal), outcome.provider, {}});
  context.awaited.reset();  // keys, that have come
  if (std::string problem = cookie_problem(*options_.refresh, context); !problem.empty())
    return fail_exchange(context, std::nullopt, problem);
  AuthDesk::Reply reply = context.auth->ask(options_.refresh->server, false);
  if (reply.asked) return Verdict::wait(std::move(reply.asked));
  return take_answer(context, reply.known);
}

Verdict JwtPolicy::go_on_with_exchange(RequestContext& context) const {
  if (!context.exchange->fresh.empty()) return judge_fresh(context);  // keys have come
  const AuthResult result = static_cast<const AskedAuth&>(*context.awaited).result();
  context.awaited.reset();
  return take_answer(context, result);
}

Verdict JwtPolicy::take_answer(RequestContext& context, const AuthResult& result) const {
  const std::string& name = options_.refresh->server.name;
  if (!result) return fail_exchange(context, AuthOutcome::failed, name + " did not answer in time");
  if (!*result) return fail_exchange(context, AuthOutcome::failed, result->error().detail);
  const AuthAnswer& answer = **result;
  take_cookies(*options_.refresh, answer, context);
  const std::string said = name + " answered " + std::to_string(answer.status);
  if (!answer.passes()) return fail_exchange(context, AuthOutcome::refused, said);
  if (answer.body.empty())
    return fail_exchange(context, AuthOutcome::failed, said + ", and its answer " + answer.no_token);
  context.exchange->fresh = context.request.arena.keep(answer.body);
  return judge_fresh(context);
}

Verdict JwtPolicy::judge_fresh(RequestContext& context) const {
  const TokenExchange& exchange = *context.exchange;
  const JwtProvider& provider = *exchange.expired.provider;
  const std::string given = "the token that " + options_.refresh->server.name + " gave ";
  JwtProviders::Outcome outcome = providers_.judge_by(provider, exchange.fresh, context);
  if (outcome.awaited) return Verdict::wait(std::move(outcome.awaited));
  if (outcome.refusal)
    return fail_exchange(context, AuthOutcome::failed, given + "is refused: " + outcome.refusal->detail);
  const std::string problem = holder_problem(*exchange.expired.token, *outcome.token);
  if (!problem.empty()) return fail_exchange(context, AuthOutcome::failed, given + problem);
  context.auth->count(options_.refresh->server, AuthOutcome::passed);
  replace_token(*exchange.expired.source, exchange.fresh, context);
  FoundToken found;
  found.text = exchange.fresh;
  found.source = exchange.expired.source;
  return admit(context, found, std::move(outcome));
}

// What the refresh endpoint did is for the log alone.
Verdict JwtPolicy::fail_exchange(RequestContext& context, std::optional<AuthOutcome> outcome,
                                 const std::string& why) const {
  if (outcome) context.auth->count(options_.refresh->server, *outcome);
  TokenExchange& exchange = *context.exchange;
  exchange.failure = why;
  return refuse(context, exchange.refused_by, exchange.refusal);
}

// A refusal that only reports leaves the token where the client sent it, but no ticket, and nothing in a
// place that is for the gateway alone.
void JwtPolicy::clear_own_places(RequestContext& context) const {
  const JwtSource& moved_to = options_.forward_as.place;
  bool is_source = false;
  for (const JwtSource& source : providers_.sources()) {
    if (source.kind == JwtSource::Kind::ticket) remove_token(source, context);
    is_source =
        is_source || (source.kind == moved_to.kind && base::equal_ignoring_case(source.name, moved_to.name));
  }
  if (!is_source) clear_token_place(options_.forward_as, context);
}

// The provider whose keys are late has no say; the others have.
Verdict JwtPolicy::give_up(RequestContext& context) const { return judge(context); }

Verdict JwtPolicy::apply_rules(RequestContext& context, const JwtProvider* provider,
                               const VerifiedToken* token) const {
  std::optional<http::PathReadings> readings;
  for (const ClaimRule& rule : options_.rules) {
    if (!rule.applies_to(context.request.method_text)) continue;
    if (token && rule.permits(*token, context, readings)) continue;
    const base::Cause cause = token ? base::Cause::claims_refused : base::Cause::token_missing;
    const std::string named = "rule \"" + rule.name + "\" of route \"" + options_.route + "\"";
    TokenJudged& judged = note(context, provider);
    judged.rule = rule.name;
    Verdict verdict =
        settle(context, telemetry::ReportedRule::required_claims, rule.report_only || options_.report_only,
               token_refusal(cause, token ? "the token's claims are not those that " + named + " asks for"
                                          : places_of(providers_.sources(), context) + ", and " + named +
                                                " asks for one"));
    if (verdict.passes()) continue;
    judged.refused = cause;
    return verdict;
  }
  return Verdict::pass();
}

Verdict JwtPolicy::admit(RequestContext& context, const FoundToken& found,
                         JwtProviders::Outcome outcome) const {
  note(context, outcome.provider).refused.reset();
  context.token_judged->token = outcome.token;
  const VerifiedToken& token = *outcome.token;
  if (Verdict ruled = apply_rules(context, outcome.provider, &token); !ruled.passes()) return ruled;
  if (std::optional<TokenError> error = forward_claims(token, context))
    return refuse(context, outcome.provider, std::move(*error));
  context.token = std::move(outcome.token);
  if (options_.remember_text) context.token_text = context.request.arena.keep(found.text);
  forward_tokens(context, found);
  return Verdict::pass();
}

Verdict JwtPolicy::pass_without_token(RequestContext& context) const {
  clear_token_place(options_.forward_as, context);
  return Verdict::pass();
}

void JwtPolicy::forward_tokens(RequestContext& context, const FoundToken& judged) const {
  if (judged.source->kind == JwtSource::Kind::ticket) remove_token(*judged.source, context);  // it is used up
  const bool keeps = keeps_token(options_.forward_as, context);
  if (keeps) remove_unjudged_tokens(context, judged);
  // A token among the subprotocols is not for the endpoint, whichever source the verified token came from.
  const bool among_subprotocols =
      std::any_of(providers_.sources().begin(), providers_.sources().end(),
                  [](const JwtSource& source) { return source.kind == JwtSource::Kind::subprotocol; });
  if (among_subprotocols) context.selected_subprotocol = take_subprotocol_token(context.request);
  if (!keeps) forward_token(options_.forward_as, providers_.sources(), judged.text, context);
}

void JwtPolicy::remove_claim_fields(http::Headers& headers) const {
  if (!has_twins_) return;
  headers.remove_if([this](const http::HeaderField& field) {
    for (const JwtForwardedClaim& forwarded : options_.forward_claims)
      if (base::equal_as_variable(field.name, forwarded.header)) return true;
    for (const JwtSource& source : providers_.sources())
      if (source.kind == JwtSource::Kind::header && base::equal_as_variable(field.name, source.name) &&
          !base::equal_ignoring_case(field.name, source.name))
        return true;
    return false;
  });
}

void JwtPolicy::remove_unjudged_tokens(RequestContext& context, const FoundToken& judged) const {
  const std::vector<JwtSource>& sources = providers_.sources();
  for (size_t place = 0; place < sources.size(); ++place) {
    const JwtSource& source = sources[place];
    if (&source == judged.source) continue;
    std::string decoded;
    const auto token = read_token(source, context, decoded);
    if (token && (token->empty() || *token == judged.text)) continue;
    if (token) {
      const std::shared_ptr<const VerifiedToken> other = providers_.accept(place, *token, context);
      const VerifiedToken& own = *context.token;
      if (other && !own.subject().empty() && other->subject() == own.subject() &&
          other->claim("iss") == own.claim("iss"))
        continue;
    }
    remove_token(source, context);
  }
}

// Changes nothing where it fails: another way in may let the request pass.
std::optional<TokenError> JwtPolicy::forward_claims(const VerifiedToken& token,
                                                    RequestContext& context) const {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const JwtForwardedClaim& forwarded : options_.forward_claims) {
    const std::optional<std::string> claim = token.claim_to_forward(forwarded.claim);
    if (!claim) continue;
    std::string value = claim_field_value(*claim);
    if (value.size() > longest_claim)
      return TokenError{base::Cause::token_claims, "the claim \"" + forwarded.claim + "\" is longer than " +
                                                       std::to_string(longest_claim) + " bytes"};
    fields.emplace_back(forwarded.header, std::move(value));
  }
  for (auto& field : fields) context.forwarded_fields.push_back(std::move(field));
  return std::nullopt;
}

}  // namespace postern::policy
