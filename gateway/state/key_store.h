// The keys that tokens are checked with, by their name in the `jwt` section. They belong to the process, so
// that they can change while a snapshot is in use: each check of a token uses the keys of that moment.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "state/key_set.h"

namespace postern::state {

// The keys of one name.
class LiveKeys {
 public:
  struct View {
    std::shared_ptr<const KeySet> keys;  // never null
    uint64_t generation = 0;
  };

  explicit LiveKeys(KeySet keys, uint64_t generation = 1);

  // A number that changes when a key is removed, and not when keys are added. A token that was accepted under
  // a generation stays acceptable, as far as keys are concerned, until the generation changes. Never 0. Any
  // thread; it is cheap enough for every request.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // Any thread. It takes a lock, so call it only before a signature is checked.
  View view() const;

 private:
  friend class KeyStore;
  // `generation` must be a new one if a previous key is not among `keys`.
  void replace(KeySet keys, uint64_t generation);

  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
  std::atomic<uint64_t> generation_;
};

// Keys that were read for a configuration.
struct LoadedKeys {
  std::string name;
  uint64_t settings = 0;  // a fingerprint of the settings under this name
  KeySet keys;
};

class KeyStore {
 public:
  // Call this when the configuration that these keys were read for takes effect. Other names are dropped.
  // Under a name with unchanged settings, users of an older snapshot get the new keys too. Under a name with
  // other settings, they keep the keys that belong to their rules. Control thread; no worker may be about to
  // bind an earlier configuration.
  void take_effect(std::vector<LoadedKeys> all);

  // The name must be one of the configuration that took effect last. Any thread.
  std::shared_ptr<const LiveKeys> of(std::string_view name) const;
  size_t size() const;

 private:
  struct Known {
    uint64_t settings = 0;
    std::shared_ptr<LiveKeys> keys;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Known, std::less<>> keys_;
  uint64_t last_generation_ = 0;  // of all names, so that a name that is added again gets a new one
};

}  // namespace postern::state
