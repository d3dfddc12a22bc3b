#include "policy/jwt_verifier.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "crypto/base64.h"
#include "policy/token_claims.h"
#include "state/key_store.h"

namespace postern::policy {
namespace {

using base::Cause;
using base::Json;
using crypto::Algorithm;

constexpr int deepest_header = 8;
constexpr int64_t farthest_time =
    1'000'000'000'000'000;  // seconds; a double holds it and sums cannot overflow
constexpr int64_t one_day = 24 * 60 * 60;

std::atomic<uint64_t> last_identity{0};

tl::unexpected<TokenError> refuse(Cause cause, std::string detail) {
  return tl::unexpected<TokenError>(TokenError{cause, std::move(detail), 0});
}

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  // header and payload with the dot between them, as received
};

tl::expected<Parts, TokenError> split(std::string_view token) {
  if (token.size() > JwtVerifier::most_token_size)
    return refuse(Cause::token_malformed, "The token is larger than 16 KiB.");
  auto dots = std::count(token.begin(), token.end(), '.');
  if (dots == 4)
    return refuse(Cause::token_malformed, "The token is encrypted (JWE); a signed one is needed.");
  if (dots != 2) return refuse(Cause::token_malformed, "The token does not have three parts.");
  size_t first = token.find('.');
  size_t second = token.find('.', first + 1);
  Parts parts{.header = token.substr(0, first),
              .payload = token.substr(first + 1, second - first - 1),
              .signature = token.substr(second + 1),
              .signed_text = token.substr(0, second)};
  if (parts.header.empty() || parts.payload.empty())
    return refuse(Cause::token_malformed, "A part of the token is empty.");
  return parts;
}

tl::expected<Json, TokenError> read_object(std::string_view text, std::string_view what, int depth) {
  auto malformed = [&](std::string_view fault) {
    return refuse(Cause::token_malformed,
                  "The token's " + std::string(what) + " " + std::string(fault) + ".");
  };
  auto bytes = crypto::decode_base64url(text);
  if (!bytes) return malformed("is not base64url");
  auto json = base::parse_json(*bytes, {.size = JwtVerifier::most_token_size, .depth = depth});
  if (!json) return malformed(describe(json.error().kind));
  if (!json->is_object()) return malformed("is not a JSON object");
  return std::move(*json);
}

struct Header {
  Algorithm algorithm = Algorithm::hs256;
  std::optional<std::string> key_id;
};

tl::expected<Header, TokenError> read_header(std::string_view text) {
  auto json = read_object(text, "header", deepest_header);
  if (!json) return tl::unexpected<TokenError>(std::move(json.error()));
  if (base::find_member(*json, "crit") != nullptr)
    return refuse(Cause::token_malformed, "The token's header has crit, and no extension is understood.");
  // Some readers mind it without crit, and then what is signed is another text. No JWT has it (RFC 7797
  // section 7).
  if (const Json* encoded = base::find_member(*json, "b64"); encoded != nullptr && *encoded != true)
    return refuse(Cause::token_malformed, "The token's header has a b64 other than true.");
  Header header;
  if (const Json* id = base::find_member(*json, "kid")) {
    if (!id->is_string()) return refuse(Cause::token_malformed, "The token's kid is not a string.");
    header.key_id = id->get_ref<const std::string&>();
  }
  const std::string* name = base::find_string(*json, "alg");
  if (name == nullptr) return refuse(Cause::token_malformed, "The token's header has no alg.");
  auto algorithm = crypto::parse_algorithm(*name);
  if (!algorithm) return refuse(Cause::token_algorithm, "The token's alg is not one that is known here.");
  header.algorithm = *algorithm;
  return header;
}

// Returns "2024-01-31T12:00:00Z", or the number for times outside of the years 1970 to 9999.
std::string time_text(int64_t unix_seconds) {
  constexpr int64_t year_10000 = 253'402'300'800;
  if (unix_seconds < 0 || unix_seconds >= year_10000) return "Unix time " + std::to_string(unix_seconds);
  std::chrono::sys_seconds moment{std::chrono::seconds(unix_seconds)};
  auto day = std::chrono::floor<std::chrono::days>(moment);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss time(moment - day);
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

// Reads a NumericDate (RFC 7519 section 2) as whole seconds, rounded up and limited to farthest_time. For
// exp, nbf and iat alike, comparing whole seconds with the rounded number gives the same result as comparing
// with the exact number.
std::optional<int64_t> numeric_date(const Json& value) {
  if (value.is_number_unsigned())
    return static_cast<int64_t>(std::min<uint64_t>(value.get<uint64_t>(), farthest_time));
  if (value.is_number_integer()) return std::clamp(value.get<int64_t>(), -farthest_time, farthest_time);
  if (!value.is_number_float()) return std::nullopt;
  double seconds = std::ceil(value.get<double>());
  if (!std::isfinite(seconds)) return std::nullopt;
  constexpr auto farthest = static_cast<double>(farthest_time);
  return static_cast<int64_t>(std::clamp(seconds, -farthest, farthest));
}

struct ClaimedTimes {
  std::optional<int64_t> expires;
  std::optional<int64_t> not_before;
  std::optional<int64_t> issued;
};

tl::expected<ClaimedTimes, TokenError> read_times(const Json& claims) {
  ClaimedTimes times;
  struct {
    const char* name;
    std::optional<int64_t>* place;
  } rows[] = {{"exp", &times.expires}, {"nbf", &times.not_before}, {"iat", &times.issued}};
  for (auto [name, place] : rows) {
    const Json* value = base::find_member(claims, name);
    if (value == nullptr) continue;
    *place = numeric_date(*value);
    if (!*place)
      return refuse(Cause::token_malformed, "The token's " + std::string(name) + " is not a number.");
  }
  return times;
}

// Whether the token is not valid yet; `now` is limited to farthest_time.
std::optional<TokenError> check_beginning(const ClaimedTimes& times, int64_t leeway, int64_t now) {
  if (times.not_before && now + leeway < *times.not_before)
    return TokenError{Cause::token_not_yet_valid,
                      "The token is not valid before " + time_text(*times.not_before) + "."};
  if (times.issued && now + leeway < *times.issued)
    return TokenError{Cause::token_not_yet_valid,
                      "The token says it was issued in the future, at " + time_text(*times.issued) + "."};
  return std::nullopt;
}

tl::expected<VerifiedToken::Times, TokenError> check_times(const Json& claims, const JwtRules& rules,
                                                           int64_t leeway, int64_t now) {
  auto times = read_times(claims);
  if (!times) return tl::unexpected<TokenError>(std::move(times.error()));
  now = std::clamp(now, -farthest_time, farthest_time);

  VerifiedToken::Times result;
  if (times->expires) {
    result = {.expires_at = *times->expires, .accepted_until = *times->expires + leeway};
    if (now >= result.accepted_until)
      return refuse(Cause::token_expired, "The token expired at " + time_text(result.expires_at) + ".");
  } else if (rules.require_expiry) {
    return refuse(Cause::token_claims, "The token has no exp claim.");
  }
  if (auto refusal = check_beginning(*times, leeway, now))
    return tl::unexpected<TokenError>(std::move(*refusal));
  return result;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "\"" : ", \"") + word + "\"";
  return text;
}

bool has_audience(const Json& claims, const std::vector<std::string>& wanted) {
  const Json* audience = base::find_member(claims, "aud");
  if (audience == nullptr) return false;
  auto is_wanted = [&](const Json& one) {
    return one.is_string() &&
           std::find(wanted.begin(), wanted.end(), one.get_ref<const std::string&>()) != wanted.end();
  };
  if (audience->is_array()) return std::any_of(audience->begin(), audience->end(), is_wanted);
  return is_wanted(*audience);
}

std::optional<TokenError> check_parties(const Json& claims, const JwtRules& rules) {
  if (!rules.issuer.empty()) {
    const std::string* issuer = base::find_string(claims, "iss");
    if (issuer == nullptr || *issuer != rules.issuer)
      return TokenError{Cause::token_claims, "The token's iss is not \"" + rules.issuer + "\"."};
  }
  if (!rules.audiences.empty() && !has_audience(claims, rules.audiences))
    return TokenError{Cause::token_claims, "The token's aud has none of " + joined(rules.audiences) + "."};
  return std::nullopt;
}

std::optional<TokenError> check_required(const VerifiedToken& token, const JwtRules& rules) {
  using Kind = ClaimCondition::Kind;
  for (const ClaimCondition& required : rules.required_claims) {
    if (required.judge(token, RequestValues()) == Truth::yes) continue;
    std::string detail =
        "The token's claim \"" + required.claim + "\" has none of the values that are asked for.";
    if (required.kind == Kind::present) detail = "The token has no claim \"" + required.claim + "\".";
    if (required.claim.empty()) detail = "The token's claims are not those that are asked for.";
    return TokenError{Cause::token_claims, std::move(detail)};
  }
  return std::nullopt;
}

// Of an expired token: whether it was valid before.
bool has_begun(const Json& claims, int64_t leeway, int64_t now) {
  const auto times = read_times(claims);
  return times && !check_beginning(*times, leeway, std::clamp(now, -farthest_time, farthest_time));
}

// Says what would be refused about the claims of a token, whose signature cannot be checked, with a good one.
std::optional<TokenError> check_unsigned(std::string_view payload, const JwtRules& rules, int64_t leeway,
                                         int64_t now) {
  const auto claims = read_object(payload, "payload", base::JsonLimits().depth);
  if (!claims) return claims.error();
  if (const auto times = check_times(*claims, rules, leeway, now); !times) return times.error();
  return check_parties(*claims, rules);
}

}  // namespace

JwtVerifier::JwtVerifier(JwtRules rules)
    : rules_(std::move(rules)),
      algorithms_(crypto::AlgorithmSet::of(rules_.algorithms)),
      leeway_(std::clamp<int64_t>(rules_.leeway.count(), 0, one_day)),
      identity_(++last_identity) {}

JwtVerifier::Result JwtVerifier::verify(const state::KeySet* keys, std::string_view token,
                                        int64_t now) const {
  auto parts = split(token);
  if (!parts) return tl::unexpected<TokenError>(std::move(parts.error()));
  auto header = read_header(parts->header);
  if (!header) return tl::unexpected<TokenError>(std::move(header.error()));
  std::string algorithm(name(header->algorithm));
  if (!algorithms_.empty() && !algorithms_.contains(header->algorithm))
    return refuse(Cause::token_algorithm,
                  "The token is signed with " + algorithm + "; allowed: " + names(algorithms_) + ".");
  if (!keys) {
    if (auto refusal = check_unsigned(parts->payload, rules_, leeway_, now))
      return tl::unexpected<TokenError>(std::move(*refusal));
    return refuse(Cause::keys_unavailable, "The keys of the token's provider could not be fetched yet.");
  }
  state::KeyChoice choice = keys->choose(header->algorithm, header->key_id);
  if (choice.outcome == state::KeyChoice::Outcome::unknown_id) {
    const bool is_ours = header->key_id && !check_unsigned(parts->payload, rules_, leeway_, now);
    return tl::unexpected(
        TokenError{Cause::token_key_unknown,
                   "The token's kid is none of the " + std::to_string(keys->keys().size()) + " known keys.",
                   is_ours ? state::key_number(*header->key_id) : 0});
  }
  if (choice.outcome == state::KeyChoice::Outcome::wrong_algorithm)
    return refuse(Cause::token_algorithm,
                  "The token is signed with " + algorithm + ", which its key is not for.");

  auto signature = crypto::decode_base64url(parts->signature);
  if (!signature || signature->empty())
    return refuse(Cause::token_malformed, "The token's signature is empty or not base64url.");
  auto candidates = choice.candidates();
  const auto signer =
      std::find_if(candidates.begin(), candidates.end(), [&](const state::VerificationKey* key) {
        return key->verify(header->algorithm, parts->signed_text, *signature);
      });
  if (signer == candidates.end())
    return refuse(Cause::token_signature, "The token's signature does not fit the key.");

  auto claims = read_object(parts->payload, "payload", base::JsonLimits().depth);
  if (!claims) return tl::unexpected<TokenError>(std::move(claims.error()));
  auto times = check_times(*claims, rules_, leeway_, now);
  if (!times && times.error().cause != Cause::token_expired)
    return tl::unexpected<TokenError>(std::move(times.error()));
  // What is expired is refused for that, whatever else is wrong with it.
  auto refusal = check_parties(*claims, rules_);
  if (times && refusal) return tl::unexpected<TokenError>(std::move(*refusal));
  const bool was_valid = !times && !refusal && has_begun(*claims, leeway_, now);
  auto verified = std::make_shared<const VerifiedToken>(
      std::make_unique<const VerifiedToken::Claims>(std::move(*claims)),
      times ? *times : VerifiedToken::Times(), (*signer)->number(), rules_.subject);
  refusal = check_required(*verified, rules_);
  if (times && refusal) return tl::unexpected<TokenError>(std::move(*refusal));
  if (!times) {
    if (was_valid && !refusal) times.error().expired = std::move(verified);
    return tl::unexpected<TokenError>(std::move(times.error()));
  }
  return verified;
}

}  // namespace postern::policy
