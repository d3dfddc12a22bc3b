// Cancellation and timeouts of coroutines. A coroutine suspends in a Wait; the wait ends exactly once,
// settled by its event or failed by its Scope, and either way its result is a Result. A Phase is a named part
// of a coroutine with a timeout and the stage that its errors name. For one thread only; nothing here
// allocates.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "base/error_fwd.h"
#include "base/intrusive_list.h"
#include "base/result.h"
#include "base/timer_wheel.h"
#include "base/turn.h"

namespace postern::base {

class Scope;

// A point at which a coroutine is suspended.
class Wait {
 public:
  explicit Wait(Scope& scope) : scope_(scope) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  void settle();
  void fail(Error why) {
    if (settled_) return;
    failure_ = why;
    settle();
  }

 protected:
  friend class Scope;
  friend class Turn;
  void suspend(std::coroutine_handle<> coroutine);
  bool already_failed();

  Scope& scope_;
  std::optional<Error> failure_;
  bool settled_ = false;
  std::coroutine_handle<> coroutine_;
  LinkIn<Wait> in_scope_{this};
  LinkIn<Wait> in_ready_{this};
};

// The means to cancel every wait that was begun under it. A child scope fails with its parent.
class Scope {
 public:
  explicit Scope(Turn& the_turn) : turn(the_turn) {}
  explicit Scope(Scope& parent) : turn(parent.turn), stage(parent.stage), parent_(&parent) {  // NOLINT: child
    parent.children_.append(in_parent_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Fails every wait under this scope now with this cause, at the stage the scope is in, and every later wait
  // too.
  void cancel(Cause why);
  std::optional<Error> failure() const;

  Turn& turn;
  Stage stage{};

 private:
  friend class Wait;
  friend class Phase;
  void fail_waits(Error why);

  Scope* parent_ = nullptr;
  Link waits_;
  Link children_;
  LinkIn<Scope> in_parent_{this};
  std::optional<Error> cancelled_;
  std::optional<Error> expired_;
};

// For a coroutine that could run for long: yields, so that everything else of this turn happens first.
class NextTurn : public Wait {
 public:
  explicit NextTurn(Scope& scope) : Wait(scope) {}
  bool await_ready() { return already_failed(); }
  void await_suspend(std::coroutine_handle<> coroutine) {
    suspend(coroutine);
    scope_.turn.defer(in_ready_);
  }
  Result<void> await_resume() {
    if (failure_) return base::fail(*failure_);
    return {};
  }
};

// A named part of a coroutine. When `limit` passes, the waits under the scope fail with `late` at this stage.
// Leaving the phase clears that failure, so a retry starts without it.
class Phase : private Timer {
 public:
  // Called when the limit passes, before the waits fail.
  class Judge {
   public:
    // Returns how much more time is granted; nothing lets the waits fail.
    virtual std::optional<Duration> time_left() = 0;

   protected:
    ~Judge() = default;
  };

  Phase(Scope& scope, Stage stage, Duration limit, Cause late);
  Phase(Scope& scope, Stage stage, Duration limit);  // Cause::timed_out
  ~Phase() override;
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

  // Restarts the limit because progress was made.
  void extend() { extend(limit_); }
  // Restarts with another limit, for this once.
  void extend(Duration limit) { scope_.turn.arm(*this, limit); }
  // Sets the cause of a failure when the limit passes, from now on.
  void set_timeout_cause(Cause late) { late_ = late; }
  // May be null: then the waits fail when the limit passes.
  void set_judge(Judge* judge) { judge_ = judge; }

 private:
  void on_deadline() override;

  Scope& scope_;
  Stage outer_;
  Duration limit_;
  Cause late_;
  Judge* judge_ = nullptr;
  bool passed_ = false;
};

}  // namespace postern::base
