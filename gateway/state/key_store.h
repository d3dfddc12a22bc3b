// The keys that tokens are checked with, by their name in the `jwt` section. They belong to the process, so
// that they can change while a snapshot is in use: each check of a token uses the keys of that moment.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "state/key_set.h"

namespace postern::state {

// The keys of one name. They come with the configuration, or they are fetched from a provider while it is in
// use: then there are none before the first fetch has succeeded, and a request may wait for the next fetch.
class LiveKeys {
 public:
  struct View {
    std::shared_ptr<const KeySet> keys;  // null: none have been fetched, or they became too old
    uint64_t generation = 0;
  };

  // The fetches of a provider's keys, counted from 1.
  struct Fetches {
    uint64_t begun = 0;            // the last that has begun
    uint64_t ended = 0;            // the last that has ended, with or without keys
    uint64_t succeeded = 0;        // the last that has brought keys
    base::Instant next_allowed{};  // a question makes the next one begin, but not before this time
  };

  explicit LiveKeys(KeySet keys, uint64_t generation = 1);
  // Keys that are fetched; a request may wait for them for as long as `wait`.
  LiveKeys(std::string name, base::Duration wait, uint64_t generation);

  // A number that changes when a key is removed, and not when keys are added. A token that was accepted under
  // a generation stays acceptable, as far as keys are concerned, until the generation changes. Never 0. Any
  // thread; it is cheap enough for every request.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // Any thread. It takes a lock, so call it only before a signature is checked.
  View view() const;

  // The numbers of keys that were in use and are not any more; what hangs on one of them must end. The last
  // `gone_max` are remembered, for what is opened while the news of it spreads. Any thread.
  std::vector<uint64_t> gone() const;
  static constexpr size_t gone_max = 1024;

  // --- Keys that are fetched; any thread ---
  bool are_fetched() const { return !name_.empty(); }
  const std::string& name() const { return name_; }
  base::Duration wait() const { return wait_; }
  Fetches fetches() const;
  // Remembers that a fetch did not bring a key that a token names. `key` stands for its name (key_number()).
  // The last `missing_max` are remembered, so that such a token is refused at once until the next fetch.
  void note_missing(uint64_t key) const;
  bool is_missing(uint64_t key) const;
  static constexpr size_t missing_max = 64;

 private:
  friend class KeyStore;
  // `generation` must be a new one if a previous key is not among `keys`.
  void replace(std::shared_ptr<const KeySet> keys, uint64_t generation);

  const std::string name_;
  const base::Duration wait_{};
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
  Fetches fetches_;
  std::deque<uint64_t> gone_;
  mutable std::deque<uint64_t> missing_;
  std::atomic<uint64_t> generation_;
};

// The number that stands for a key's name (kid) where only names that are the same are to be found again. The
// names come from clients, who can make names with the same number only by breaking SHA-256. Never 0.
uint64_t key_number(std::string_view id);

// Keys that were read for a configuration, or how those that are fetched are to be treated.
struct LoadedKeys {
  std::string name;
  uint64_t settings = 0;       // a fingerprint of the settings under this name
  std::optional<KeySet> keys;  // nullopt: they are fetched
  uint64_t source = 0;         // of keys that are fetched: a fingerprint of where from and how
  base::Duration wait{};       // how long a request may wait for them
};

class KeyStore {
 public:
  // Call this when the configuration that these keys were read for takes effect. Other names are dropped.
  // Under a name with unchanged settings, users of an older snapshot get the new keys too. Under a name with
  // other settings, they keep the keys that belong to their rules. Keys that are fetched stay as long as
  // their source is the same. Control thread; no worker may be about to bind an earlier configuration.
  void take_effect(std::vector<LoadedKeys> all);

  // The name must be one of the configuration that took effect last. Any thread.
  std::shared_ptr<const LiveKeys> of(std::string_view name) const;
  size_t size() const;

  // --- For the fetcher: names whose keys are fetched; on the control thread ---
  // No fetch begins before `next_allowed` because of a question.
  void begin_fetch(std::string_view name, base::Instant next_allowed);
  // Ends a fetch that has brought these keys. Returns whether a previous key is not among them.
  bool end_fetch(std::string_view name, KeySet keys);
  // Ends a fetch that has brought none; the previous keys stay.
  void end_failed_fetch(std::string_view name);
  // Removes keys that are too old to be trusted.
  void drop(std::string_view name);

 private:
  struct Known {
    uint64_t settings = 0;
    uint64_t source = 0;
    std::shared_ptr<LiveKeys> keys;
  };

  LiveKeys& fetched(std::string_view name) const;

  mutable std::mutex mutex_;
  std::map<std::string, Known, std::less<>> keys_;
  uint64_t last_generation_ = 0;  // of all names, so that a name that is added again gets a new one
};

}  // namespace postern::state
