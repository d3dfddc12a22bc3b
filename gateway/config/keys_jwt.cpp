#include "config/keys_jwt.h"

#include <chrono>

#include "base/ascii.h"
#include "config/fingerprint.h"
#include "config/keys_claims.h"
#include "config/text.h"
#include "config/token_places.h"
#include "http/url.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view discover = "discover";

void read_keys(const Value& value, JwtDocument& jwt) {
  const auto text = value.text();
  if (!text) return;
  jwt.keys_location = value.location();
  const std::string lower = base::to_lower(*text);
  if (lower.starts_with("http://") || lower.starts_with("https://")) {
    const auto url = http::read_url(*text);
    if (url)
      jwt.keys_url = *url;
    else
      value.complain("is a URL that " + std::string(url.error()));
  } else if (text->find("-----BEGIN") != std::string_view::npos) {
    value.complain("is the name of a file, not the key itself");
  } else if (*text == discover) {
    jwt.discover = true;
  } else {
    jwt.keys_file = std::string(*text);
  }
}

auto keys_place() {
  return custom(read_keys, "URL, discover or file",
                R"({"type":["string","number","boolean"],"minLength":1,"not":{"pattern":"-----BEGIN"}})");
}

const Keys<JwtDocument>& fetch_keys() {
  static const auto keys =
      Keys<JwtDocument>("fetch")
          .key(
              "timeout", [](JwtDocument& jwt) -> base::Duration& { return jwt.fetch.timeout; },
              duration(100ms, 60s), "How long one request for keys may take, from resolving the name on.")
          .key(
              "min_age", [](JwtDocument& jwt) -> base::Duration& { return jwt.fetch.min_age; },
              duration(1s, 24h),
              "The shortest time for which fetched keys are used before they are fetched again, whatever "
              "Cache-Control of the provider says.")
          .key(
              "max_age", [](JwtDocument& jwt) -> base::Duration& { return jwt.fetch.max_age; },
              duration(1s, 24h),
              "The longest time for which fetched keys are used before they are fetched again, and the time "
              "where the provider sends no Cache-Control. A key that the provider has removed is accepted "
              "for so long.")
          .key(
              "keep", [](JwtDocument& jwt) -> base::Duration& { return jwt.fetch.keep; },
              duration(1min, 720h),
              "How long the last keys are used while no fetch succeeds. After that requests are answered "
              "with 503 and open WebSockets and event streams of the tokens are closed.")
          .key(
              "cooldown", [](JwtDocument& jwt) -> base::Duration& { return jwt.fetch.cooldown; },
              duration(1s, 1h),
              "The shortest time between two fetches that tokens with unknown keys (kid) cause, however many "
              "such tokens come.")
          .key(
              "wait", [](JwtDocument& jwt) -> base::Duration& { return jwt.fetch.wait; },
              duration(100ms, 5min),
              "How long a request waits for keys: for the first ones after the start, or for a fetch that "
              "may "
              "bring an unknown key. Then it is answered with 503. Where it is shorter than cooldown, a "
              "token "
              "with a new key may get 503.")
          .key(
              "ca", [](JwtDocument& jwt) -> std::string& { return jwt.fetch_ca; }, text("file"),
              "A PEM file with the certificate authorities that the provider's certificate is checked with.")
          .by_default("the system's certificates")
          .example("internal-ca.pem")
          .commented_out()
          .located(&JwtDocument::fetch_ca_location)
          .key(
              "insecure", [](JwtDocument& jwt) -> bool& { return jwt.fetch.insecure; }, boolean(),
              "Whether keys are fetched without checking the provider's certificate, and over http:// too. "
              "Then anybody between the gateway and the provider can make tokens that are accepted; only for "
              "a network that you trust.");
  return keys;
}

// No error repeats the text of a secret. A secret that is too short for its algorithms is reported when the
// keys are made of it.
void read_secret(const Value& value, JwtDocument& jwt) {
  const auto text = value.text();
  if (!text) return;
  jwt.secret = std::string(*text);
  jwt.keys_location = value.location();
}

auto secret() { return custom(read_secret, "text", scalar_schema()); }

std::optional<std::vector<crypto::Algorithm>> read_algorithms(const Value& value) {
  std::vector<crypto::Algorithm> algorithms;
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
      algorithms.push_back(*crypto::parse_algorithm(token_algorithms()[*index]));
  }
  return algorithms;
}

auto algorithms() {
  return custom(read_algorithms, "list of algorithms",
                list_schema(words_schema(token_algorithms()), 1, 1000));
}

// Checks that each algorithm has a key of its kind. A JWKS may hold both kinds, which shows only when it is
// read.
void check_key_kinds(const Value& algorithms, const JwtDocument& jwt) {
  const std::string keys = base::to_lower(jwt.keys_file);
  const bool is_pem = keys.ends_with(".pem") || keys.ends_with(".pub") || keys.ends_with(".crt") ||
                      keys.ends_with(".cer") || keys.ends_with(".key");
  for (const crypto::Algorithm algorithm : jwt.algorithms) {
    const std::string name(crypto::name(algorithm));
    const bool is_symmetric = crypto::family(algorithm) == crypto::AlgorithmFamily::hmac;
    if (is_symmetric && jwt.fetches_keys()) {
      algorithms.complain(name + " needs a secret; keys that anybody can fetch are not secret");
      return;
    }
    if (is_symmetric && is_pem) {
      algorithms.complain(name + " needs a secret; with a public key for a secret anybody could sign");
      return;
    }
    if (!is_symmetric && !jwt.secret.empty()) {
      algorithms.complain(name + " needs keys (a public key); a secret is for HS256, HS384 and HS512");
      return;
    }
  }
}

void check_fetch(const Fields& fields, const JwtDocument& jwt) {
  const auto keys = fields.take("keys");
  const auto fetch = fields.take("fetch");
  if (keys && jwt.keys_url && !identity::may_fetch(jwt.fetch, *jwt.keys_url))
    keys->complain(
        "is not https, so that anybody on the way could replace the keys; write https, or, in a "
        "network that you trust, fetch: { insecure: true }");
  if (keys && jwt.discover) {
    const auto url = http::read_url(identity::metadata_url(jwt.issuer));
    if (jwt.issuer.empty())
      keys->complain("needs issuer: its metadata say where the keys are");
    else if (!url || !identity::may_fetch(jwt.fetch, *url))
      keys->complain("needs an issuer that is an https URL");
  }
  if (fetch && keys && !jwt.keys_file.empty()) fetch->complain("has no effect: the keys are in a file");
  if (fetch && jwt.fetch.min_age > jwt.fetch.max_age) fetch->complain("has a min_age above its max_age");
}

void check_jwt(const Fields& fields, JwtDocument& jwt) {
  const auto keys = fields.take("keys");
  const auto secret = fields.take("secret");
  const bool has_keys = !jwt.keys_file.empty() || jwt.fetches_keys();
  const bool has_one_source = keys.has_value() != secret.has_value() && has_keys == jwt.secret.empty();
  if (const auto algorithms = fields.take("algorithms"); algorithms && has_one_source)
    check_key_kinds(*algorithms, jwt);
  check_fetch(fields, jwt);
}

}  // namespace

const Keys<JwtDocument>& jwt_keys() {
  static const auto keys =
      Keys<JwtDocument>("jwt")
          .begin([](const Value& value, JwtDocument& jwt) {
            // No socket hangs on how keys are fetched.
            jwt.fingerprint = fingerprint(value.node(), {"fetch"});
          })
          .key("issuer", &JwtDocument::issuer, text(),
               "The value that the iss claim of a token must have. A token with another one is refused "
               "with 403.")
          .by_default("not checked")
          .example("https://clerk.example.com")
          .key("audience", &JwtDocument::audiences,
               list_or_one("text or list of texts", text(), "is empty; leave audience out to check none"),
               "The value that the aud claim of a token must hold; of a list, one is enough. A token "
               "without it is refused with 403.")
          .by_default("not checked")
          .example("dashboard")
          .key(
              "keys", itself<JwtDocument>, keys_place(),
              "Where the public keys are. The URL of a JWKS, https://...; or discover: the OpenID Connect "
              "metadata of the issuer name that URL. They are fetched at the start and before they are old "
              "(see fetch), through the proxy in HTTPS_PROXY, if there is one. Or the name of a file, a JWKS "
              "(JSON) or PEM, which is read again at every reload. When a key is gone, the WebSockets and "
              "event "
              "streams whose tokens it has signed are closed, and no others.")
          .by_default("required without secret")
          .example("https://clerk.example.com/.well-known/jwks.json")
          .key("fetch", itself<JwtDocument>, map(fetch_keys),
               "How keys are fetched, where keys is a URL or discover.")
          .key("secret", itself<JwtDocument>, secret(),
               "The shared secret for HS256, HS384 and HS512, best taken from the environment. It is never "
               "printed.")
          .by_default("required without keys")
          .example("${JWT_SECRET}")
          .commented_out()
          .key("algorithms", &JwtDocument::algorithms, algorithms(),
               "The signature algorithms that are accepted, of HS256, HS384, HS512, RS256, RS384, RS512, "
               "PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA. A token with another one is refused "
               "with 401.")
          .required()
          .example("[RS256]")
          .key("from", &JwtDocument::from, TokenSources(),
               "Where a request may carry its token, in the order in which the places are searched: header "
               "(Authorization: Bearer), { header: NAME }, { header: NAME, scheme: WORD }, { cookie: NAME }, "
               "{ query: NAME }, subprotocol (Sec-WebSocket-Protocol: bearer, TOKEN; also bearer.TOKEN, and "
               "base64url.bearer.authorization.k8s.io.TOKEN as Kubernetes has it), ticket (?ticket=..., a "
               "ticket from a route with ticket), { ticket: NAME } and { message: graphql }, { message: "
               "stomp } or "
               "{ message: json, type: WORD, token: PATH } (the first message of a WebSocket).")
          .by_default("[header]")
          .example("[header, { cookie: __session }, { query: token }, subprotocol]")
          .folded()
          .key("subject", &JwtDocument::subject, text("claim"),
               "The claim that names the user of a token, for renewal and revocation, for limits by subject "
               "and "
               "for log.token. Simple JWT of Django has user_id.")
          .example("sub")
          .key("leeway", &JwtDocument::leeway, duration(0ms, 10min).in_whole_seconds(),
               "How far the clocks of the issuer and of the gateway may differ when exp, nbf and iat of a "
               "token are checked.")
          .key("required_claims", &JwtDocument::required_claims, ProviderClaims(),
               "The claims that a token must have, on every route: a value, a list of values of which one "
               "must "
               "fit, or present for any value, and all else that the map of required_claims of a route may "
               "have, but values of the request. A token without them is refused with 403.")
          .by_default("none")
          .folded()
          .example("{ email_verified: true, role: [admin, editor], sub: present }")
          .key("require_expiry", &JwtDocument::require_expiry, boolean(),
               "Whether a token without an exp claim is refused with 403.")
          .at_most_one_of({"keys", "secret"}, "stands beside {}; a token is checked with one of the two")
          .needs("fetch", "keys", "needs keys: a secret is not fetched")
          .at_least_one_of({"keys", "secret"},
                           "has neither keys nor secret; a token is checked with one of the two")
          .check(check_jwt);
  return keys;
}

}  // namespace postern::config
