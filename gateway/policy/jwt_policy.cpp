#include "policy/jwt_policy.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "policy/cors.h"
#include "policy/printable.h"
#include "policy/request_context.h"
#include "policy/verified_token.h"

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
    case JwtSource::Kind::ticket: return "the ticket in the query parameter " + source.name;
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

JwtPolicy::JwtPolicy(JwtOptions options)
    : options_(std::move(options)), providers_(std::exchange(options_.providers, {})) {
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
  remove_claim_fields(context.request.headers);
  // A browser sends no token with a preflight. Where the route has no origin list, the endpoint answers the
  // preflight.
  if (!context.origin_checked && is_bare_preflight(context.request)) {
    for (const JwtSource& source : providers_.sources()) remove_token(source, context);
    return pass_without_token(context);
  }
  FoundToken found;
  JwtProviders::Outcome outcome = providers_.judge(context, found);
  if (outcome.awaited) return Verdict::wait(std::move(outcome.awaited));
  if (outcome.refusal) return refuse(outcome.refusal->cause, std::move(outcome.refusal->detail));
  if (!outcome.token) {
    if (!options_.required) return pass_without_token(context);
    return refuse(base::Cause::token_missing, places_of(providers_.sources()));
  }
  Verdict claims = forward_claims(*outcome.token, context);
  if (!claims.passes()) return claims;
  context.token = std::move(outcome.token);
  if (options_.remember_text) context.token_text = context.request.arena.keep(found.text);
  forward_tokens(context, found);
  return claims;
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
