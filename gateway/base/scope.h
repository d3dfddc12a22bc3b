// Who may end a wait, and when. A coroutine suspends in a Wait; the wait ends exactly once, settled by its
// event or failed by its Scope, and either way its result is a Result. A Phase is a named stretch of a
// coroutine: its time limit, and the stage its errors are charged to. One thread; nothing here allocates.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/result.h"
#include "base/timer_wheel.h"
#include "base/turn.h"

namespace postern::base {

class Scope;

// One suspended point of a coroutine.
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

// The right to end every wait begun under it. A child scope fails with its parent.
class Scope {
 public:
  explicit Scope(Turn& the_turn) : turn(the_turn) {}
  explicit Scope(Scope& parent) : turn(parent.turn), stage(parent.stage), parent_(&parent) {
    parent.children_.append(in_parent_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Every wait under it ends now with this cause, at the stage the scope is in; so does every later one.
  void cancel(Cause why);
  std::optional<Error> failure() const;

  Turn& turn;
  Stage stage = Stage::accept;

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

// For a coroutine that could go on for long: lets everything else of this turn happen first.
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

// A named stretch of a coroutine. When `limit` passes, the waits under the scope fail with `late` at this
// stage; leaving the phase clears that, so a retry starts clean.
class Phase : private Timer {
 public:
  // Asked when the limit passes, before the waits fail.
  class Judge {
   public:
    // How much longer it may take after all; nothing: it is too late.
    virtual std::optional<Duration> time_left() = 0;

   protected:
    ~Judge() = default;
  };

  Phase(Scope& scope, Stage stage, Duration limit, Cause late = Cause::timed_out);
  ~Phase() override;
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

  // Starts the limit anew: progress was made.
  void extend() { extend(limit_); }
  // The same with another limit, for this once.
  void extend(Duration limit) { scope_.turn.arm(*this, limit); }
  // The cause of the failure when the limit passes, from now on.
  void set_timeout_cause(Cause late) { late_ = late; }
  // Null: a limit that passes has passed.
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
