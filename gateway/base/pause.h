// A wait of a coroutine that ends after a given duration.
#pragma once

#include "base/scope.h"

namespace postern::base {

class Pause final : public Wait, private Timer {
 public:
  Pause(Scope& scope, Duration duration) : Wait(scope), duration_(duration) {}
  bool await_ready() { return already_failed() || duration_ <= Duration::zero(); }
  void await_suspend(std::coroutine_handle<> coroutine) {
    suspend(coroutine);
    scope_.turn.arm(*this, duration_);
  }
  Result<void> await_resume() {
    if (failure_) return base::fail(*failure_);
    return {};
  }

 private:
  void on_deadline() override { settle(); }

  Duration duration_;
};

}  // namespace postern::base
