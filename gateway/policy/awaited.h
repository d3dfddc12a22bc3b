// What a request waits for in the middle of its judging: keys that are being fetched, the answer of another
// server. A policy makes one and gives it back as its verdict; the exchange awaits it, and then asks the
// policy again.
#pragma once

#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/error_fwd.h"
#include "base/slot.h"

namespace postern::policy {

// Belongs to one request and one worker. It is destroyed when the policy has judged with it, or earlier when
// the client leaves or the limit passes: the destructor of a derived class takes it from whoever would fill
// it.
class Awaited {
 public:
  // When `limit` passes, the policy gives up, and the request fails with `late` unless there is another way
  // in. The limit must be finite.
  Awaited(base::Duration limit, base::Cause late) : limit_(limit), late_(late) {
    base::check(limit != base::no_limit, "every wait has a limit");
  }
  virtual ~Awaited() = default;
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;

  // For the log, with an article: "the keys of login".
  virtual std::string_view what() const = 0;

  // It has come, or it is known that it will not: the policy is asked again and looks at what it has. Called
  // once, on the worker's thread, also before anybody waits.
  void arrive() {
    base::check(!std::exchange(arrived_, true), "what is awaited arrives once");
    arrival_.put(true);
  }
  base::Slot<bool>& arrival() { return arrival_; }
  base::Duration limit() const { return limit_; }
  base::Cause late() const { return late_; }

  // The limit has passed.
  void expire() { is_late_ = true; }
  bool is_late() const { return is_late_; }

 private:
  base::Duration limit_;
  base::Cause late_;
  base::Slot<bool> arrival_;
  bool arrived_ = false;
  bool is_late_ = false;
};

}  // namespace postern::policy
