#include "config/decode_policy.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/fingerprint.h"
#include "config/suggest.h"
#include "config/text.h"

namespace postern::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t max_pattern = 1024;

// A duration that its member holds in whole seconds.
std::optional<seconds> whole_seconds(const Value& value, milliseconds least, milliseconds most) {
  const auto found = value.duration(least, most);
  if (!found) return std::nullopt;
  if (*found % seconds(1) != milliseconds(0)) {
    value.refuse({"is not a whole number of seconds", ""});
    return std::nullopt;
  }
  return std::chrono::duration_cast<seconds>(*found);
}

// ---- origins

// Patterns that are "*" in disguise. What else a pattern lets in only its author knows.
bool fits_everything(std::string_view pattern) {
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  if (pattern.ends_with('$')) pattern.remove_suffix(1);
  return pattern == ".*" || pattern == ".+" || pattern == "(.*)" || pattern == "(.+)" || pattern == ".*?";
}

void refuse_everybody(const Value& value, bool credentials) {
  value.refuse(
      {credentials
           ? "together with credentials: true would let every site act with a visitor's cookies, "
             "and browsers refuse the pair; list the origins"
           : "would let every site in; list the origins, or write { pattern: ... } for a family of them",
       ""});
}

void decode_pattern(const Value& item, OriginsDocument& origins) {
  const Fields fields(item, {"pattern"});
  const auto pattern = fields.need("pattern");
  if (!pattern) return;
  const auto text = pattern->text();
  if (!text) return;
  if (text->size() > max_pattern) {
    pattern->complain("is longer than 1024 bytes");
  } else if (fits_everything(*text)) {
    refuse_everybody(*pattern, origins.credentials);
  } else {
    origins.allow.push_back(OriginEntry{OriginEntry::Kind::pattern, std::string(*text), pattern->location()});
  }
}

void decode_origin(const Value& item, OriginsDocument& origins) {
  if (item.is_map()) return decode_pattern(item, origins);
  if (item.node().kind == Node::Kind::null) {
    item.complain("null is not a text in YAML; the origin of sandboxed pages is written \"null\", in quotes");
    return;
  }
  const auto text = item.text();
  if (!text) return;
  if (*text == "*") return refuse_everybody(item, origins.credentials);
  auto entry = item.parsed(parse_origin);
  if (!entry) return;
  entry->location = item.location();
  if (entry->kind == OriginEntry::Kind::null && origins.credentials) {
    item.warn("\"null\" with credentials: true trusts every sandboxed page and local file with cookies");
  }
  for (const OriginEntry& other : origins.allow) {
    if (other.kind != entry->kind || other.text != entry->text) continue;
    item.complain(item.quote() + " stands in line " + std::to_string(other.location.line) + " already");
    break;
  }
  origins.allow.push_back(std::move(*entry));
}

template <class T>
std::vector<T> decode_list(const Value& value, Parsed<T> (*parse)(std::string_view)) {
  std::vector<T> found;
  for (const Value& item : value.items()) {
    if (auto parsed = item.parsed(parse)) found.push_back(std::move(*parsed));
  }
  return found;
}

OriginsDocument decode_origins_entry(const std::string& name, const Value& value) {
  const Fields fields(value);
  OriginsDocument origins;
  origins.name = name;
  if (const auto found = fields.take("credentials")) set(origins.credentials, found->boolean());
  if (const auto allow = fields.need("allow")) {
    const auto items = allow->items();
    if (allow->is_list() && items.empty()) allow->complain("is empty; a list of origins names at least one");
    for (const Value& item : items) decode_origin(item, origins);
  }
  if (const auto found = fields.take("methods")) origins.methods = decode_list(*found, parse_method);
  if (const auto found = fields.take("headers")) origins.headers = decode_list(*found, parse_header_name);
  if (const auto found = fields.take("expose")) origins.expose = decode_list(*found, parse_header_name);
  if (const auto found = fields.take("max_age")) {
    set(origins.max_age, whole_seconds(*found, milliseconds(0), hours(24)));
  }
  if (const auto found = fields.take("navigations")) {
    if (const auto index = found->one_of({"pass", "refuse"})) origins.refuse_navigations = *index == 1;
  }
  if (const auto found = fields.take("require")) set(origins.require_on_websocket, found->boolean());
  return origins;
}

// ---- jwt

bool is_symmetric(std::string_view algorithm) { return algorithm.starts_with("HS"); }

void decode_keys(const Value& value, JwtDocument& jwt) {
  const auto text = value.text();
  if (!text) return;
  jwt.keys_location = value.location();
  const std::string lower = base::to_lower(*text);
  if (lower.starts_with("http://") || lower.starts_with("https://")) {
    value.complain("a URL is not fetched yet; save the JWKS to a file and name the file here");
  } else if (text->find("-----BEGIN") != std::string_view::npos) {
    value.complain("is the name of a file, not the key itself");
  } else {
    jwt.keys_file = std::string(*text);
  }
}

// Whatever is wrong with a secret, its text is never repeated. One that is too short for its algorithms is
// named when the keys are made of it.
void decode_secret(const Value& value, JwtDocument& jwt) {
  const auto text = value.text();
  if (!text) return;
  jwt.secret = std::string(*text);
  jwt.keys_location = value.location();
}

void decode_algorithms(const Value& value, JwtDocument& jwt) {
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; name the signatures that are accepted");
  for (const Value& item : items) {
    const auto text = item.text();
    if (!text) continue;
    if (base::to_lower(*text) == "none") {
      item.complain("\"none\" would accept tokens that nobody signed");
      continue;
    }
    if (const auto index = item.one_of(token_algorithms()))
      jwt.algorithms.emplace_back(token_algorithms()[*index]);
  }
}

// Does every algorithm have a key of its kind? A JWKS may hold both kinds, so only its user can tell.
void check_key_kinds(const Value& algorithms, const JwtDocument& jwt) {
  const std::string keys = base::to_lower(jwt.keys_file);
  const bool is_pem = keys.ends_with(".pem") || keys.ends_with(".pub") || keys.ends_with(".crt") ||
                      keys.ends_with(".cer") || keys.ends_with(".key");
  for (const std::string& algorithm : jwt.algorithms) {
    if (is_symmetric(algorithm) && is_pem) {
      algorithms.complain(algorithm + " needs a secret; with a public key for a secret anybody could sign");
      return;
    }
    if (!is_symmetric(algorithm) && !jwt.secret.empty()) {
      algorithms.complain(algorithm + " needs keys (a public key); a secret is for HS256, HS384 and HS512");
      return;
    }
  }
}

std::optional<TokenSource> decode_source(const Value& item) {
  using Kind = TokenSource::Kind;
  if (item.is_map()) {
    const Fields fields(item, {"header", "cookie", "query"});
    if (item.node().keys.size() != 1) {
      item.complain(
          "names more or less than one place; write { header: NAME }, { cookie: NAME } or { query: NAME }");
      return std::nullopt;
    }
    for (const auto& [key, kind] :
         {std::pair{"header", Kind::header}, {"cookie", Kind::cookie}, {"query", Kind::query}}) {
      const auto value = fields.take(key);
      const auto name = value ? value->text() : std::nullopt;
      if (!name) continue;
      const bool is_good =
          kind == Kind::query ? name->find_first_of("&=# ") == std::string_view::npos : base::is_token(*name);
      if (is_good) return TokenSource{kind, std::string(*name), item.location()};
      value->refuse(
          {"is not the name of a " + std::string(kind == Kind::query ? "query parameter" : key), ""});
    }
    return std::nullopt;
  }
  const auto text = item.text();
  if (!text) return std::nullopt;
  if (*text == "header") return TokenSource{Kind::header, "Authorization", item.location()};
  if (*text == "subprotocol") return TokenSource{Kind::subprotocol, "", item.location()};
  if (*text == "cookie" || *text == "query") {
    item.complain("needs a name: { " + std::string(*text) + ": NAME }");
    return std::nullopt;
  }
  std::string sentence = item.quote() +
                         " is not a place for a token (header, { header: NAME }, { cookie: NAME }, { query: "
                         "NAME }, subprotocol)";
  if (!item.node().substituted) sentence += did_you_mean(*text, {"header", "cookie", "query", "subprotocol"});
  item.complain(std::move(sentence));
  return std::nullopt;
}

void decode_sources(const Value& value, JwtDocument& jwt) {
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; say where the token is");
  for (const Value& item : items) {
    const auto source = decode_source(item);
    if (!source) continue;
    for (const TokenSource& other : jwt.from) {
      if (other.kind != source->kind || other.name != source->name) continue;
      item.complain("stands in line " + std::to_string(other.location.line) + " already");
      break;
    }
    jwt.from.push_back(*source);
  }
}

void decode_required_claims(const Value& value, JwtDocument& jwt) {
  for (const auto& [key, entry] : value.entries()) {
    RequiredClaim claim;
    claim.name = key.text;
    claim.location = key.location;
    const bool is_any = entry.is_scalar() && entry.node().text == "present";
    if (!is_any) {
      const auto items = entry.items_or_one();
      if (entry.is_list() && items.empty()) entry.complain("is empty; write present for any value");
      for (const Value& item : items) {
        if (const auto text = item.text()) claim.values.emplace_back(*text);
      }
      // What could not be read must not turn into "any value".
      if (claim.values.empty()) continue;
    }
    jwt.required_claims.push_back(std::move(claim));
  }
}

void decode_key_source(const Fields& fields, JwtDocument& jwt) {
  const auto keys = fields.take("keys");
  const auto secret = fields.take("secret");
  if (keys) decode_keys(*keys, jwt);
  if (secret) decode_secret(*secret, jwt);
  if (keys && secret) secret->complain("stands beside keys; a token is checked with one of the two");
  if (!keys && !secret && fields.is_map() && !fields.is_misspelt("keys") && !fields.is_misspelt("secret")) {
    fields.value().complain("has neither keys nor secret; a token is checked with one of the two");
  }
}

JwtDocument decode_jwt_entry(const std::string& name, const Value& value) {
  const Fields fields(value);
  JwtDocument jwt;
  jwt.name = name;
  if (const auto issuer = fields.take("issuer")) set(jwt.issuer, issuer->text());
  if (const auto audience = fields.take("audience")) {
    const auto items = audience->items_or_one();
    if (audience->is_list() && items.empty())
      audience->complain("is empty; leave audience out to check none");
    for (const Value& item : items) {
      if (const auto text = item.text()) jwt.audience.emplace_back(*text);
    }
  }
  decode_key_source(fields, jwt);
  if (const auto algorithms = fields.need("algorithms")) {
    decode_algorithms(*algorithms, jwt);
    const bool has_one_source = jwt.keys_file.empty() != jwt.secret.empty();
    if (has_one_source) check_key_kinds(*algorithms, jwt);
  }
  if (const auto from = fields.take("from")) {
    decode_sources(*from, jwt);
  } else {
    jwt.from.push_back(TokenSource{TokenSource::Kind::header, "Authorization", SourceLocation{}});
  }
  if (const auto leeway = fields.take("leeway")) {
    set(jwt.leeway, whole_seconds(*leeway, milliseconds(0), minutes(10)));
  }
  if (const auto claims = fields.take("required_claims")) decode_required_claims(*claims, jwt);
  if (const auto expiry = fields.take("require_expiry")) set(jwt.require_expiry, expiry->boolean());
  return jwt;
}

}  // namespace

void decode_origins(const Value& value, Document& document) {
  for (const auto& [key, entry] : value.entries()) {
    check_name(key, entry);
    OriginsDocument origins = decode_origins_entry(key.text, entry);
    origins.fingerprint = fingerprint(entry.node());
    origins.location = key.location;
    document.origins.push_back(std::move(origins));
  }
}

void decode_jwt(const Value& value, Document& document) {
  for (const auto& [key, entry] : value.entries()) {
    check_name(key, entry);
    JwtDocument jwt = decode_jwt_entry(key.text, entry);
    jwt.fingerprint = fingerprint(entry.node());
    jwt.location = key.location;
    document.jwt.push_back(std::move(jwt));
  }
}

}  // namespace postern::config
