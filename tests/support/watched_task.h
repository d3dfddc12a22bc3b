// A root task whose outcome a test can inspect.
#pragma once

#include <optional>
#include <utility>

#include "base/root_task.h"

namespace postern::support {

template <class T>
class WatchedTask final : private base::RootTask<T>::Owner {
 public:
  WatchedTask() = default;
  explicit WatchedTask(base::Task<T> task) { begin(std::move(task)); }

  void begin(base::Task<T> task) { task_.begin(std::move(task), *this); }
  void drop() { task_.drop(); }
  bool ended() const { return times_ended_ == 1; }
  int times_ended() const { return times_ended_; }
  T& outcome() { return *outcome_; }

 private:
  void on_task_ended(T outcome) override {
    ++times_ended_;
    outcome_.emplace(std::move(outcome));
  }
  std::optional<T> outcome_;
  int times_ended_ = 0;
  base::RootTask<T> task_;  // destroyed first: a dropped task calls no owner
};

}  // namespace postern::support
