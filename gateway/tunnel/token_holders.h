// What is open on one worker under a token: WebSockets, event streams and other long answers. When a token is
// revoked, what hangs on it ends at once, and not at the rate of a drain.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "base/turn.h"
#include "state/revocations.h"

namespace postern::tunnel {

class TokenHolders;

// One of them; registered from TokenHolders::join() until it is destroyed.
class TokenHolder {
 public:
  // Without marks there is no token, and nothing is registered.
  explicit TokenHolder(std::unique_ptr<const state::TokenMarks> marks)
      : marks_(std::move(marks)), link_(this) {}
  TokenHolder(const TokenHolder&) = delete;
  TokenHolder& operator=(const TokenHolder&) = delete;

 protected:
  ~TokenHolder() = default;
  // Its token is revoked: it must end. It is not registered any more, and must not destroy other holders.
  virtual void on_revoked() = 0;

 private:
  friend class TokenHolders;
  std::unique_ptr<const state::TokenMarks> marks_;
  base::LinkIn<TokenHolder> link_;
};

// Looks whether revocations were added, at an interval: so any thread may add them without knowing the
// workers, and however many come, a worker looks at what it has open a few times a second.
class TokenHolders final : private base::Timer {
 public:
  static constexpr base::Duration look_every = std::chrono::milliseconds(200);

  // `unix_now` gives Unix seconds. `revocations` outlives it.
  TokenHolders(base::Turn& turn, const state::Revocations& revocations, int64_t (*unix_now)())
      : turn_(turn), revocations_(revocations), unix_now_(unix_now) {}
  ~TokenHolders() override = default;

  // A holder whose token was revoked since its request was judged ends in one of the next turns.
  void join(TokenHolder& holder);

 private:
  void on_deadline() override;
  void end_revoked();

  base::Turn& turn_;
  const state::Revocations& revocations_;
  int64_t (*unix_now_)();
  base::Link holders_;
  uint64_t seen_ = 0;  // generation of the revocations at the last look
};

}  // namespace postern::tunnel
