// The requests of a worker that wait until the keys of a provider have been fetched: because none have been
// fetched yet, or because a token names a key that was not among them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/intrusive_list.h"
#include "policy/awaited.h"
#include "state/key_store.h"

namespace postern::policy {

class KeyWaits;

// One request that waits for keys.
class AwaitedKeys final : public Awaited {
 public:
  // Use KeyWaits::wait_for().
  AwaitedKeys(KeyWaits& waits, const state::LiveKeys& keys, uint64_t asked_after, bool again);
  ~AwaitedKeys() override;

  std::string_view what() const override { return what_; }
  // The number of the last fetch that had begun when the request asked: only a later one answers it.
  uint64_t asked_after() const { return asked_after_; }
  // The request waits for the second time.
  bool again() const { return again_; }

 private:
  friend class KeyWaits;

  KeyWaits& waits_;
  std::string what_;
  uint64_t asked_after_;
  bool again_;
  base::LinkIn<AwaitedKeys> link_;
};

// For one thread: the worker's. It outlives the requests.
class KeyWaits {
 public:
  // `ask` makes the process fetch the keys of this name, as soon as that is allowed.
  using Ask = std::function<void(const std::string& name)>;
  explicit KeyWaits(Ask ask) : ask_(std::move(ask)) {}
  KeyWaits(const KeyWaits&) = delete;
  KeyWaits& operator=(const KeyWaits&) = delete;

  // At most so many requests wait at a time.
  static constexpr size_t waiting_max = 1000;

  // Asks for a fetch. Returns null when too many wait already. `keys` must be keys that are fetched; `again`:
  // the request has waited before.
  std::unique_ptr<AwaitedKeys> wait_for(const state::LiveKeys& keys, bool again);
  // A fetch of that name has ended: all that wait for it look again.
  void on_fetched(std::string_view name);
  size_t waiting() const { return waiting_; }

 private:
  friend class AwaitedKeys;

  struct Line {
    base::Link requests;
    uint64_t asked_after = 0;  // the process was asked for the fetch after this one
    bool asked = false;
  };

  Ask ask_;
  std::map<std::string, Line, std::less<>> lines_;  // by name, while requests wait for it
  size_t waiting_ = 0;
};

}  // namespace postern::policy
