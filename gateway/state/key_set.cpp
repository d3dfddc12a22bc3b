#include "state/key_set.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace postern::state {
namespace {

using crypto::Algorithm;
using crypto::AlgorithmSet;

tl::unexpected<std::string> refuse(std::string sentence) {
  return tl::unexpected<std::string>(std::move(sentence));
}

// Restricts `possible` to the algorithms that the operator allows; an empty list allows everything.
AlgorithmSet narrowed(AlgorithmSet possible, AlgorithmSet allowed) {
  return allowed.empty() ? possible : possible & allowed;
}

// RFC 7518 section 3.2 requires a secret at least as long as the digest.
std::optional<std::string> weakness(size_t secret_size, AlgorithmSet algorithms) {
  size_t wanted = algorithms.contains(Algorithm::hs512)   ? 64
                  : algorithms.contains(Algorithm::hs384) ? 48
                                                          : 32;
  if (secret_size >= wanted) return std::nullopt;
  return "the shared secret has " + std::to_string(secret_size) +
         " bytes; RFC 7518 section 3.2 wants at least " + std::to_string(wanted) + " for " +
         names(algorithms);
}

crypto::Sha256Digest digest_of(std::string_view id, AlgorithmSet algorithms, std::string_view material) {
  return crypto::sha256(std::to_string(id.size()) + ':' + std::string(id) + names(algorithms) + ':',
                        material);
}

}  // namespace

VerificationKey::VerificationKey(std::string id, AlgorithmSet algorithms, crypto::PublicKey key)
    : id_(std::move(id)),
      algorithms_(algorithms),
      digest_(digest_of(id_, algorithms, key.der())),
      material_(std::move(key)) {
  base::check(!algorithms.empty(), "a key is for at least one algorithm");
  base::check((algorithms & std::get<crypto::PublicKey>(material_).algorithms()) == algorithms,
              "a public key's algorithms fit its kind");
}

VerificationKey::VerificationKey(std::string id, AlgorithmSet algorithms, std::string_view secret)
    : id_(std::move(id)),
      algorithms_(algorithms),
      digest_(digest_of(id_, algorithms, secret)),
      material_(Secret{}) {
  base::check(!algorithms.empty(), "a key is for at least one algorithm");
  base::check((algorithms & crypto::hmac_algorithms) == algorithms, "a secret is for HS algorithms only");
  for (Algorithm algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512})
    if (algorithms.contains(algorithm)) std::get<Secret>(material_).emplace_back(algorithm, secret);
}

uint64_t VerificationKey::number() const {
  uint64_t number = 0;
  std::memcpy(&number, digest_.data(), sizeof(number));
  return number != 0 ? number : 1;
}

bool VerificationKey::verify(Algorithm algorithm, std::string_view data, std::string_view signature) const {
  if (!algorithms_.contains(algorithm)) return false;
  if (const auto* key = std::get_if<crypto::PublicKey>(&material_))
    return key->verify(algorithm, data, signature);
  for (const crypto::HmacKey& key : std::get<Secret>(material_))
    if (key.algorithm() == algorithm) return key.verify(data, signature);
  return false;
}

KeySet::Made KeySet::from_secret(std::string_view secret, AlgorithmSet algorithms) {
  if (secret.empty()) return refuse("the shared secret is empty");
  AlgorithmSet usable = narrowed(crypto::hmac_algorithms, algorithms);
  if (usable.empty())
    return refuse("a shared secret is for HS256, HS384 and HS512, not for " + names(algorithms));
  KeySet set;
  set.keys_.emplace_back("", usable, secret);
  if (auto note = weakness(secret.size(), usable)) set.notes_.push_back(std::move(*note));
  return set;
}

KeySet::Made KeySet::from_pem(std::string_view text, AlgorithmSet algorithms) {
  auto keys = crypto::PublicKey::from_pem(text);
  if (!keys) return refuse(std::move(keys.error()));
  KeySet set;
  for (crypto::PublicKey& key : *keys) {
    AlgorithmSet usable = narrowed(key.algorithms(), algorithms);
    if (usable.empty()) {
      set.notes_.push_back("a key of kind " + std::string(key.kind_name()) + " fits none of " +
                           names(algorithms) + "; left out");
      continue;
    }
    set.keys_.emplace_back("", usable, std::move(key));
  }
  if (set.keys_.empty())
    return refuse("none of the keys fits " + names(algorithms) + ": " + set.notes_.front());
  return set;
}

KeySet::Made KeySet::from_file_text(std::string_view text, AlgorithmSet algorithms) {
  size_t start = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");  // skips white space and a byte order mark
  bool is_json = start != std::string_view::npos && text[start] == '{';
  return is_json ? from_jwks(text, algorithms) : from_pem(text, algorithms);
}

KeyChoice KeySet::choose(Algorithm algorithm, std::optional<std::string_view> id) const {
  KeyChoice choice;
  size_t considered = 0;
  auto collect = [&](auto&& is_meant) {
    for (const VerificationKey& key : keys_) {
      if (!is_meant(key)) continue;
      ++considered;
      if (key.algorithms().contains(algorithm) && choice.count < KeyChoice::most)
        choice.keys[choice.count++] = &key;
    }
  };
  if (!id) {
    collect([](const VerificationKey&) { return true; });
  } else {
    if (!id->empty()) collect([&](const VerificationKey& key) { return key.id() == *id; });
    if (considered == 0) collect([](const VerificationKey& key) { return key.id().empty(); });
  }
  if (considered == 0) {
    choice.outcome = KeyChoice::Outcome::unknown_id;
  } else if (choice.count == 0) {
    choice.outcome = KeyChoice::Outcome::wrong_algorithm;
  }
  return choice;
}

}  // namespace postern::state
