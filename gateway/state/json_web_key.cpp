#include "state/json_web_key.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "crypto/base64.h"

namespace postern::state {
namespace {

using base::Json;
using crypto::Algorithm;
using crypto::AlgorithmSet;
using crypto::PublicKey;

constexpr size_t most_keys = 256;

tl::unexpected<std::string> refuse(std::string sentence) {
  return tl::unexpected<std::string>(std::move(sentence));
}

// Returns the bytes of a member in base64url; nothing when it is missing, empty or invalid. Keys come from
// the operator, so the output of tools that add padding or use the other alphabet of RFC 4648 is accepted:
// its meaning is unambiguous.
std::optional<std::string> bytes_member(const Json& json, std::string_view name) {
  const std::string* written = base::find_string(json, name);
  if (written == nullptr) return std::nullopt;
  std::string text = *written;
  const size_t padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  if (padding > 0 && (padding > 2 || text.size() % 4 != 0)) return std::nullopt;
  text.resize(text.size() - padding);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  if (text.empty()) return std::nullopt;
  return crypto::decode_base64url(text);
}

PublicKey::Made read_rsa(const Json& json) {
  auto modulus = bytes_member(json, "n");
  auto exponent = bytes_member(json, "e");
  if (!modulus || !exponent) return refuse("has no valid n and e");
  return PublicKey::from_rsa({.modulus = *modulus, .exponent = *exponent});
}

PublicKey::Made read_ec(const Json& json) {
  const std::string* name = base::find_string(json, "crv");
  if (name == nullptr) return refuse("has no crv");
  std::optional<crypto::Curve> curve;
  if (*name == "P-256") curve = crypto::Curve::p256;
  if (*name == "P-384") curve = crypto::Curve::p384;
  if (*name == "P-521") curve = crypto::Curve::p521;
  if (!curve) return refuse("has a curve other than P-256, P-384 and P-521");
  auto x = bytes_member(json, "x");
  auto y = bytes_member(json, "y");
  if (!x || !y) return refuse("has no valid x and y");
  return PublicKey::from_ec(*curve, {.x = *x, .y = *y});
}

PublicKey::Made read_okp(const Json& json) {
  const std::string* name = base::find_string(json, "crv");
  if (name == nullptr || *name != "Ed25519") return refuse("has a curve other than Ed25519");
  auto x = bytes_member(json, "x");
  if (!x) return refuse("has no valid x");
  return PublicKey::from_ed25519(*x);
}

// Returns why the key must not verify signatures (RFC 7517 sections 4.2 and 4.3); empty when it may.
std::string purpose_fault(const Json& json) {
  if (const Json* use = base::find_member(json, "use"); use != nullptr && *use != "sig")
    return "has a use other than \"sig\"";
  const Json* operations = base::find_member(json, "key_ops");
  if (operations == nullptr) return {};
  if (!operations->is_array()) return "has key_ops that are no list";
  bool verifies = std::any_of(operations->begin(), operations->end(),
                              [](const Json& operation) { return operation == "verify"; });
  return verifies ? std::string() : "has key_ops without \"verify\"";
}

// The algorithms that a key may be used with: those of its kind, restricted by its own alg and by `allowed`.
tl::expected<AlgorithmSet, std::string> algorithms_for(const Json& json, AlgorithmSet possible,
                                                       AlgorithmSet allowed) {
  if (const Json* alg = base::find_member(json, "alg")) {
    std::optional<Algorithm> own;
    if (alg->is_string()) own = crypto::parse_algorithm(alg->get_ref<const std::string&>());
    if (!own) return refuse("has an alg that is not known here");
    if (!possible.contains(*own)) return refuse("has an alg that does not fit its kty");
    possible = {*own};
  }
  AlgorithmSet usable = allowed.empty() ? possible : possible & allowed;
  if (usable.empty())
    return refuse("is for " + names(possible) + ", which jwt.algorithms (" + names(allowed) +
                  ") does not list");
  return usable;
}

tl::expected<VerificationKey, std::string> read_secret(const Json& json, std::string id,
                                                       AlgorithmSet allowed) {
  auto secret = bytes_member(json, "k");
  if (!secret) return refuse("has no valid k");
  auto algorithms = algorithms_for(json, crypto::hmac_algorithms, allowed);
  if (!algorithms) return refuse(std::move(algorithms.error()));
  return VerificationKey(std::move(id), *algorithms, *secret);
}

}  // namespace

tl::expected<VerificationKey, std::string> read_json_web_key(const Json& json, AlgorithmSet allowed) {
  const std::string* kind = base::find_string(json, "kty");
  if (kind == nullptr) return refuse("has no kty");
  if (std::string fault = purpose_fault(json); !fault.empty()) return refuse(std::move(fault));
  std::string id;
  if (const Json* name = base::find_member(json, "kid")) {
    if (!name->is_string()) return refuse("has a kid that is not a string");
    id = name->get_ref<const std::string&>();
  }

  if (*kind == "oct") return read_secret(json, std::move(id), allowed);
  PublicKey::Made key = refuse("has a kty other than RSA, EC, OKP and oct");
  if (*kind == "RSA") key = read_rsa(json);
  if (*kind == "EC") key = read_ec(json);
  if (*kind == "OKP") key = read_okp(json);
  if (!key) return refuse(std::move(key.error()));
  auto algorithms = algorithms_for(json, key->algorithms(), allowed);
  if (!algorithms) return refuse(std::move(algorithms.error()));
  return VerificationKey(std::move(id), *algorithms, std::move(*key));
}

std::string printable_key_id(std::string_view id) {
  constexpr size_t most = 64;
  std::string text(id.substr(0, most));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~' || c == '"'; }, '?');
  if (id.size() > most) text += "...";
  return text;
}

KeySet::Made KeySet::from_jwks(std::string_view text, AlgorithmSet algorithms) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark, which some editors write
  auto json = base::parse_json(text);
  if (!json) return refuse("the JWKS " + std::string(describe(json.error().kind)));
  if (!json->is_object()) return refuse("the JWKS is not a JSON object");
  const Json* listed = base::find_member(*json, "keys");
  if (listed == nullptr && base::find_member(*json, "kty") == nullptr)
    return refuse("the JWKS has no list called keys");
  if (listed != nullptr && !listed->is_array()) return refuse("the JWKS' keys are no list");
  if (listed != nullptr && listed->size() > most_keys) return refuse("the JWKS has more than 256 keys");

  KeySet set;
  size_t number = 0;
  auto add = [&](const Json& one) {
    ++number;
    std::string which = "key " + std::to_string(number);
    if (const std::string* id = base::find_string(one, "kid"))
      which += " (\"" + printable_key_id(*id) + "\")";
    auto key = read_json_web_key(one, algorithms);
    if (!key) {
      set.notes_.push_back(which + " is left out: " + key.error());
      return;
    }
    if (base::find_member(one, "d") != nullptr)
      set.notes_.push_back(which + " comes with its private part, which the gateway does not need");
    set.keys_.push_back(std::move(*key));
  };
  if (listed == nullptr) {
    add(*json);
  } else {
    for (const Json& one : *listed) add(one);
  }
  if (set.keys_.empty())
    return refuse(set.notes_.empty() ? "the JWKS is empty"
                                     : "the JWKS has no key that can be used: " + set.notes_.front());
  return set;
}

}  // namespace postern::state
