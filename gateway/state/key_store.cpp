#include "state/key_store.h"

#include <algorithm>
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

LiveKeys::View LiveKeys::view() const {
  const std::lock_guard guard(mutex_);
  return {keys_, generation_.load(std::memory_order_relaxed)};
}

void LiveKeys::replace(KeySet keys, uint64_t generation) {
  auto replacement = std::make_shared<const KeySet>(std::move(keys));
  const std::lock_guard guard(mutex_);
  keys_ = std::move(replacement);
  generation_.store(generation, std::memory_order_release);
}

void KeyStore::take_effect(std::vector<LoadedKeys> all) {
  const std::lock_guard guard(mutex_);
  std::map<std::string, Known, std::less<>> kept;
  for (LoadedKeys& loaded : all) {
    const auto before = keys_.find(loaded.name);
    if (before == keys_.end()) {
      kept[loaded.name] = {loaded.settings,
                           std::make_shared<LiveKeys>(std::move(loaded.keys), ++last_generation_)};
      continue;
    }
    LiveKeys& live = *before->second.keys;
    const bool stays = has_all_of(loaded.keys, *live.view().keys);
    const uint64_t generation = stays ? live.generation() : ++last_generation_;
    if (before->second.settings == loaded.settings) {
      live.replace(std::move(loaded.keys), generation);
      kept[loaded.name] = before->second;
    } else {
      kept[loaded.name] = {loaded.settings, std::make_shared<LiveKeys>(std::move(loaded.keys), generation)};
    }
  }
  keys_ = std::move(kept);
}

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
