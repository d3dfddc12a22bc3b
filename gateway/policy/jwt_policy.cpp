#include "policy/jwt_policy.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "policy/cors.h"
#include "policy/key_waits.h"
#include "policy/printable.h"
#include "policy/request_context.h"
#include "policy/token_cache.h"
#include "state/bindings.h"

namespace postern::policy {
namespace {

// Returns the detail with only those characters that RFC 6750 3 allows between quotes.
std::string description(std::string_view detail) {
  std::string text = printable(detail);
  for (char& c : text)
    if (c == '"' || c == '\\') c = '\'';
  return text;
}

// Makes a refusal with its challenge from `cause` and `detail`. The error is named only when the request had
// a token (RFC 6750 3.1).
Verdict refuse(base::Cause cause, std::string detail) {
  if (cause == base::Cause::keys_unavailable) {  // nothing is known against the token
    http::LocalResponse response = http::refusal(cause, std::move(detail));
    response.headers.emplace_back("Retry-After", "5");
    return Verdict::answer(std::move(response));
  }
  std::string challenge = "Bearer realm=\"postern\"";
  if (cause != base::Cause::token_missing) {
    const bool genuine = cause == base::Cause::token_claims;
    challenge += genuine ? ", error=\"insufficient_scope\"" : ", error=\"invalid_token\"";
    challenge += ", error_description=\"" + description(detail) + '"';
  }
  http::LocalResponse response = http::refusal(cause, std::move(detail));
  response.headers.emplace_back("WWW-Authenticate", std::move(challenge));
  return Verdict::answer(std::move(response));
}

std::string place_of(const JwtSource& source) {
  switch (source.kind) {
    case JwtSource::Kind::header: return "the field " + source.name;
    case JwtSource::Kind::cookie: return "the cookie " + source.name;
    case JwtSource::Kind::query: return "the query parameter " + source.name;
    case JwtSource::Kind::subprotocol: return "Sec-WebSocket-Protocol";
  }
  return {};
}

std::string places_of(const std::vector<JwtSource>& sources) {
  std::string text = "the request has no token in ";
  for (size_t i = 0; i < sources.size(); ++i) {
    if (i > 0) text += i + 1 == sources.size() ? " or " : ", ";
    text += place_of(sources[i]);
  }
  return text;
}

}  // namespace

JwtPolicy::JwtPolicy(JwtOptions options) : options_(std::move(options)) {
  has_twins_ =
      !options_.forward_claims.empty() ||
      std::any_of(options_.sources.begin(), options_.sources.end(), [](const JwtSource& source) {
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

JwtVerifier::Result JwtPolicy::verify(RequestContext& context, std::string_view token) const {
  return context.tokens.verify(*options_.verifier, *context.state.keys[options_.keys], token,
                               context.now_unix);
}

Verdict JwtPolicy::judge(RequestContext& context) const {
  remove_claim_fields(context.request.headers);
  // A browser sends no token with a preflight. Where the route has no origin list, the endpoint answers the
  // preflight.
  if (!context.origin_checked && is_bare_preflight(context.request)) {
    for (const JwtSource& source : options_.sources) remove_token(source, context);
    return pass_without_token(context);
  }
  FoundToken found;
  auto looked = find_token(options_.sources, context, found);
  if (!looked) return refuse(base::Cause::token_malformed, std::move(looked.error()));
  if (found.source == nullptr) {
    if (!options_.required) return pass_without_token(context);
    return refuse(base::Cause::token_missing, places_of(options_.sources));
  }
  if (found.source->kind == JwtSource::Kind::query) context.token_query_parameter = found.source->name;

  JwtVerifier::Result verified = verify(context, found.text);
  if (!verified) {
    Verdict waiting = wait_for_keys(context, verified.error());
    if (waiting.waits()) return waiting;
    return refuse(verified.error().cause, std::move(verified.error().detail));
  }
  Verdict claims = forward_claims(**verified, context);
  if (!claims.passes()) return claims;
  context.token = std::move(*verified);
  forward_tokens(context, found);
  return claims;
}

Verdict JwtPolicy::pass_without_token(RequestContext& context) const {
  clear_token_place(options_.forward_as, context);
  return Verdict::pass();
}

void JwtPolicy::forward_tokens(RequestContext& context, const FoundToken& judged) const {
  const bool keeps = keeps_token(options_.forward_as, context);
  if (keeps) remove_unjudged_tokens(context, judged);
  // A token among the subprotocols is not for the endpoint, whichever source the verified token came from.
  const bool among_subprotocols =
      std::any_of(options_.sources.begin(), options_.sources.end(),
                  [](const JwtSource& source) { return source.kind == JwtSource::Kind::subprotocol; });
  if (among_subprotocols) context.selected_subprotocol = take_subprotocol_token(context.request);
  if (!keeps) forward_token(options_.forward_as, options_.sources, judged.text, context);
}

// Waits where a further fetch of the keys can change the result. Otherwise `error` says in the end why the
// token is refused. Only a fetch that begins after the request can tell that a key does not exist, so a
// request waits a second time when it has come during a fetch: a provider may have begun to sign with a new
// key a moment ago. Where fetches fail, nothing is known against the token.
Verdict JwtPolicy::wait_for_keys(RequestContext& context, TokenError& error) const {
  const state::LiveKeys& keys = *context.state.keys[options_.keys];
  const bool none = error.cause == base::Cause::keys_unavailable;
  if (!keys.are_fetched() || !(none || error.unknown_key != 0)) return Verdict::pass();
  const state::LiveKeys::Fetches fetches = keys.fetches();
  const auto* waited = static_cast<const AwaitedKeys*>(context.awaited.get());
  if (waited && !none && fetches.succeeded > waited->asked_after()) {
    keys.note_missing(error.unknown_key);
    return Verdict::pass();
  }
  if (waited && (waited->again() || fetches.ended > waited->asked_after())) {
    error = {base::Cause::keys_unavailable, "The keys of the token's provider could not be fetched.", 0};
    return Verdict::pass();
  }
  if (!waited && !none && context.now < fetches.next_allowed && keys.is_missing(error.unknown_key))
    return Verdict::pass();
  if (std::unique_ptr<AwaitedKeys> awaited = context.key_waits.wait_for(keys, waited != nullptr))
    return Verdict::wait(std::move(awaited));
  error = {base::Cause::keys_unavailable, "Too many requests wait for the keys of the token's provider.", 0};
  return Verdict::pass();
}

void JwtPolicy::remove_claim_fields(http::Headers& headers) const {
  if (!has_twins_) return;
  headers.remove_if([this](const http::HeaderField& field) {
    for (const JwtForwardedClaim& forwarded : options_.forward_claims)
      if (base::equal_as_variable(field.name, forwarded.header)) return true;
    for (const JwtSource& source : options_.sources)
      if (source.kind == JwtSource::Kind::header && base::equal_as_variable(field.name, source.name) &&
          !base::equal_ignoring_case(field.name, source.name))
        return true;
    return false;
  });
}

void JwtPolicy::remove_unjudged_tokens(RequestContext& context, const FoundToken& judged) const {
  for (const JwtSource& source : options_.sources) {
    if (&source == judged.source) continue;
    std::string decoded;
    const auto token = read_token(source, context, decoded);
    if (token && (token->empty() || *token == judged.text)) continue;
    if (token) {
      const JwtVerifier::Result other = verify(context, *token);
      const VerifiedToken& own = *context.token;
      if (other && !own.subject().empty() && (*other)->subject() == own.subject() &&
          (*other)->claim("iss") == own.claim("iss"))
        continue;
    }
    remove_token(source, context);
  }
}

// Changes nothing where it refuses: another way in may let the request pass.
Verdict JwtPolicy::forward_claims(const VerifiedToken& token, RequestContext& context) const {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const JwtForwardedClaim& forwarded : options_.forward_claims) {
    const std::optional<std::string> claim = token.claim_to_forward(forwarded.claim);
    if (!claim) continue;
    std::string value = claim_field_value(*claim);
    if (value.size() > longest_claim)
      return refuse(base::Cause::token_claims, "the claim \"" + forwarded.claim + "\" is longer than " +
                                                   std::to_string(longest_claim) + " bytes");
    fields.emplace_back(forwarded.header, std::move(value));
  }
  for (auto& field : fields) context.forwarded_fields.push_back(std::move(field));
  return Verdict::pass();
}

}  // namespace postern::policy
