// A queue of values from one producer to one waiting coroutine, in order. A value may arrive before the
// coroutine asks for it. There is nearly always at most one; further values wait in a small list whose length
// the producer must bound.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>
#include <vector>

#include "base/scope.h"

namespace postern::base {

template <class T>
class Slot {
 public:
  class Take : public Wait {
   public:
    Take(Scope& scope, Slot& slot) : Wait(scope), slot_(slot) {}
    ~Take() {
      if (slot_.waiter_ == this) slot_.waiter_ = nullptr;
    }
    bool await_ready() { return slot_.value_ || already_failed(); }
    void await_suspend(std::coroutine_handle<> coroutine) {
      slot_.waiter_ = this;
      suspend(coroutine);
    }
    Result<T> await_resume() {
      if (failure_) return base::fail(*failure_);
      Result<T> taken = std::move(*slot_.value_);
      slot_.advance();
      return taken;
    }

   private:
    Slot& slot_;
  };

  void put(Result<T> value) {
    if (value_)
      later_.push_back(std::move(value));
    else
      value_.emplace(std::move(value));
    if (waiter_) waiter_->settle();
  }
  bool filled() const { return value_.has_value(); }
  Take take(Scope& scope) { return Take(scope, *this); }

 private:
  void advance() {
    value_.reset();
    if (later_.empty()) return;
    value_.emplace(std::move(later_.front()));
    later_.erase(later_.begin());
  }

  std::optional<Result<T>> value_;
  std::vector<Result<T>> later_;
  Take* waiter_ = nullptr;
};

}  // namespace postern::base
