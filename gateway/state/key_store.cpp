#include "state/key_store.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/check.h"

namespace postern::state {
namespace {

bool has_all_of(const KeySet& keys, const KeySet& before) {
  std::set<crypto::Sha256Digest> digests;
  for (const VerificationKey& key : keys.keys()) digests.insert(key.digest());
  return std::all_of(before.keys().begin(), before.keys().end(),
                     [&](const VerificationKey& key) { return digests.contains(key.digest()); });
}

}  // namespace

LiveKeys::LiveKeys(KeySet keys, uint64_t generation)
    : keys_(std::make_shared<const KeySet>(std::move(keys))), generation_(generation) {}

LiveKeys::LiveKeys(std::string name, base::Duration wait, uint64_t generation)
    : name_(std::move(name)), wait_(wait), generation_(generation) {}

LiveKeys::View LiveKeys::view() const {
  const std::lock_guard guard(mutex_);
  return {keys_, generation_.load(std::memory_order_relaxed)};
}

LiveKeys::Fetches LiveKeys::fetches() const {
  const std::lock_guard guard(mutex_);
  return fetches_;
}

void LiveKeys::note_missing(uint64_t key) const {
  const std::lock_guard guard(mutex_);
  if (std::find(missing_.begin(), missing_.end(), key) != missing_.end()) return;
  if (missing_.size() == missing_max) missing_.pop_front();
  missing_.push_back(key);
}

bool LiveKeys::is_missing(uint64_t key) const {
  const std::lock_guard guard(mutex_);
  return std::find(missing_.begin(), missing_.end(), key) != missing_.end();
}

std::vector<uint64_t> LiveKeys::gone() const {
  const std::lock_guard guard(mutex_);
  return {gone_.begin(), gone_.end()};
}

void LiveKeys::replace(std::shared_ptr<const KeySet> keys, uint64_t generation) {
  const std::lock_guard guard(mutex_);
  std::set<uint64_t> now;
  if (keys)
    for (const VerificationKey& key : keys->keys()) now.insert(key.number());
  std::erase_if(gone_, [&](uint64_t key) { return now.contains(key); });
  if (keys_)
    for (const VerificationKey& key : keys_->keys())
      if (!now.contains(key.number())) gone_.push_back(key.number());
  while (gone_.size() > gone_max) gone_.pop_front();
  keys_.swap(keys);
  generation_.store(generation, std::memory_order_release);
}

uint64_t key_number(std::string_view id) {
  const crypto::Sha256Digest digest = crypto::sha256(id);
  uint64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof(number));
  return number != 0 ? number : 1;
}

void KeyStore::take_effect(std::vector<LoadedKeys> all) {
  const std::lock_guard guard(mutex_);
  std::map<std::string, Known, std::less<>> kept;
  for (LoadedKeys& loaded : all) {
    Known& one = kept[loaded.name];
    one = {loaded.settings, loaded.source, nullptr};
    const auto known = keys_.find(loaded.name);
    const Known* before = known == keys_.end() ? nullptr : &known->second;
    if (!loaded.keys) {
      const bool stays = before && before->keys->are_fetched() && before->source == loaded.source;
      one.keys =
          stays ? before->keys : std::make_shared<LiveKeys>(loaded.name, loaded.wait, ++last_generation_);
      continue;
    }
    if (!before || before->keys->are_fetched()) {
      one.keys = std::make_shared<LiveKeys>(std::move(*loaded.keys), ++last_generation_);
      continue;
    }
    LiveKeys& live = *before->keys;
    const bool stays = has_all_of(*loaded.keys, *live.view().keys);
    const uint64_t generation = stays ? live.generation() : ++last_generation_;
    if (before->settings == loaded.settings) {
      live.replace(std::make_shared<const KeySet>(std::move(*loaded.keys)), generation);
      one.keys = before->keys;
    } else {
      one.keys = std::make_shared<LiveKeys>(std::move(*loaded.keys), generation);
    }
  }
  keys_ = std::move(kept);
}

LiveKeys& KeyStore::fetched(std::string_view name) const {
  const std::lock_guard guard(mutex_);
  const auto known = keys_.find(name);
  base::check(known != keys_.end() && known->second.keys->are_fetched(),
              "only keys of the configuration that took effect are fetched");
  return *known->second.keys;
}

void KeyStore::begin_fetch(std::string_view name, base::Instant next_allowed) {
  LiveKeys& live = fetched(name);
  const std::lock_guard guard(live.mutex_);
  ++live.fetches_.begun;
  live.fetches_.next_allowed = next_allowed;
}

bool KeyStore::end_fetch(std::string_view name, KeySet keys) {
  LiveKeys& live = fetched(name);
  const LiveKeys::View before = live.view();
  const bool removed = before.keys && !has_all_of(keys, *before.keys);
  live.replace(std::make_shared<const KeySet>(std::move(keys)),
               removed ? ++last_generation_ : before.generation);
  const std::lock_guard guard(live.mutex_);
  live.fetches_.ended = live.fetches_.succeeded = live.fetches_.begun;
  return removed;
}

void KeyStore::end_failed_fetch(std::string_view name) {
  LiveKeys& live = fetched(name);
  const std::lock_guard guard(live.mutex_);
  live.fetches_.ended = live.fetches_.begun;
}

void KeyStore::drop(std::string_view name) { fetched(name).replace(nullptr, ++last_generation_); }

std::shared_ptr<const LiveKeys> KeyStore::of(std::string_view name) const {
  const std::lock_guard guard(mutex_);
  const auto known = keys_.find(name);
  base::check(known != keys_.end(), "the keys of a configuration take effect before it is pinned");
  return known->second.keys;
}

size_t KeyStore::size() const {
  const std::lock_guard guard(mutex_);
  return keys_.size();
}

}  // namespace postern::state
