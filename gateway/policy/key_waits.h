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

class AwaitedKeys;

// For one thread: the worker's. It outlives the requests.
class KeyWaits {
 public:
  // `ask` makes the process fetch the keys of this name, as soon as that is allowed.
  using Ask = std::function<void(const std::string& name)>;
  explicit KeyWaits(Ask ask) : ask_(std::move(ask)) {}
  KeyWaits(const KeyWaits&) = delete;
  KeyWaits& operator=(const KeyWaits&) = delete;

  // At most so many requests wait for one provider at a time, so that one that is down leaves room for the
  // others.
  static constexpr size_t waiting_max = 1000;

  // Asks for a fetch. Returns null when too many wait for it already. `keys` must be keys that are fetched;
  // `again`: the request has waited before.
  std::unique_ptr<AwaitedKeys> wait_for(const state::LiveKeys& keys, bool again);
  // A fetch of that name has ended: all that wait for it look again.
  void on_fetched(std::string_view name);

 private:
  friend class AwaitedKeys;

  struct Line {
    base::Link requests;
    size_t waiting = 0;        // how many they are
    uint64_t asked_after = 0;  // the process was asked for the fetch after this one
    bool asked = false;
  };

  Ask ask_;
  std::map<std::string, Line, std::less<>> lines_;  // by name, until the fetch has ended
};

// One request that waits for keys.
class AwaitedKeys final : public Awaited {
 public:
  // Use KeyWaits::wait_for().
  AwaitedKeys(KeyWaits::Line& line, const state::LiveKeys& keys, bool again);
  ~AwaitedKeys() override;

  std::string_view what() const override { return what_; }
  bool are_of(const state::LiveKeys& keys) const { return &keys == &keys_; }
  // The number of the last fetch that had begun when the request asked: only a later one answers it.
  uint64_t asked_after() const { return asked_after_; }
  // The request waits for the second time.
  bool again() const { return again_; }

 private:
  friend class KeyWaits;

  KeyWaits::Line* line_;         // null: the fetch has ended
  const state::LiveKeys& keys_;  // the request's pin holds them
  std::string what_;
  uint64_t asked_after_;
  bool again_;
  base::LinkIn<AwaitedKeys> link_;
};

}  // namespace postern::policy
