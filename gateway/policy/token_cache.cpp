#include "policy/token_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"

namespace postern::policy {
namespace {

constexpr size_t most_capacity = 1 << 20;
constexpr int64_t longest_stay_allowed = 24 * 60 * 60;

// Adds without overflow, whatever the clock returns. `seconds` is not negative.
int64_t later(int64_t time, int64_t seconds) {
  int64_t limit = std::numeric_limits<int64_t>::max() - seconds;
  return time > limit ? std::numeric_limits<int64_t>::max() : time + seconds;
}

JwtVerifier::Result revoked() {
  return tl::unexpected(TokenError{base::Cause::token_revoked, "The token was revoked.", 0});
}

}  // namespace

TokenCache::TokenCache() : TokenCache(Options()) {}

TokenCache::TokenCache(Options options)
    : sets_(std::bit_ceil(std::clamp(options.capacity, ways, most_capacity)) / ways),
      longest_stay_(std::clamp<int64_t>(options.longest_stay.count(), 0, longest_stay_allowed)),
      revocations_(options.revocations) {}

TokenCache::Text::Text(std::string_view the_token) : token(the_token) {
  if (token.size() <= JwtVerifier::most_token_size) digest = crypto::sha256(token);
}

std::optional<JwtVerifier::Result> TokenCache::find(const JwtVerifier& verifier, const state::LiveKeys& keys,
                                                    const Text& text, int64_t now) {
  Entry* entry = entry_of(text.digest, verifier.identity());
  if (!entry) return std::nullopt;
  if (entry->generation == keys.generation() && now >= entry->accepted_at && now < entry->until) {
    if (is_revoked(*entry, now)) return revoked();
    entry->last_use = ++uses_;
    ++hits_;
    return entry->token;
  }
  *entry = Entry();
  return std::nullopt;
}

JwtVerifier::Result TokenCache::verify(const JwtVerifier& verifier, const state::LiveKeys& live_keys,
                                       const Text& text, int64_t now) {
  ++misses_;
  const state::LiveKeys::View keys = live_keys.view();
  JwtVerifier::Result result = verifier.verify(keys.keys.get(), text.token, now);
  if (!result) {
    // A token that was revoked is not only expired.
    std::shared_ptr<const VerifiedToken>& expired = result.error().expired;
    if (expired && revocations_ && revocations_->is_revoked(expired->marks(), now)) expired.reset();
    return result;
  }
  Entry entry{.digest = text.digest,
              .verifier = verifier.identity(),
              .generation = keys.generation,
              .accepted_at = now,
              .until = std::min((*result)->accepted_until(), later(now, longest_stay_)),
              .last_use = ++uses_,
              .token = *result};
  if (is_revoked(entry, now)) return revoked();
  remember(std::move(entry));
  return result;
}

bool TokenCache::is_revoked(Entry& entry, int64_t now) const {
  if (revocations_ == nullptr) return false;
  const uint64_t generation = revocations_->generation();  // before the look: what comes later changes it
  if (entry.unrevoked_at == generation) return false;
  if (!revocations_->empty() && revocations_->is_revoked(entry.token->marks(), now)) return true;
  entry.unrevoked_at = generation;
  return false;
}

size_t TokenCache::size() const {
  return static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(),
                                           [](const Entry& entry) { return entry.token != nullptr; }));
}

std::span<TokenCache::Entry> TokenCache::set_of(const crypto::Sha256Digest& digest) {
  uint64_t number;
  std::memcpy(&number, digest.data(), sizeof(number));
  return std::span(entries_).subspan((number & (sets_ - 1)) * ways, ways);
}

TokenCache::Entry* TokenCache::entry_of(const crypto::Sha256Digest& digest, uint64_t verifier) {
  if (entries_.empty()) return nullptr;
  for (Entry& entry : set_of(digest))
    if (entry.token != nullptr && entry.verifier == verifier && entry.digest == digest) return &entry;
  return nullptr;
}

void TokenCache::remember(Entry entry) {
  if (entries_.empty()) entries_.resize(capacity());
  std::span<Entry> set = set_of(entry.digest);
  // Free entries have never been used, so they come first.
  auto oldest = std::min_element(set.begin(), set.end(), [](const Entry& left, const Entry& right) {
    return left.last_use < right.last_use;
  });
  *oldest = std::move(entry);
}

}  // namespace postern::policy
