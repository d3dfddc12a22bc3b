// The root of a tree of tasks. It begins a task outside any coroutine and calls its owner once when the task
// has ended. The owner must not free the root task in that call; it uses the graveyard instead.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

#include "base/task.h"

namespace postern::base {

template <class T>
class RootTask {
 public:
  class Owner {
   public:
    virtual void on_task_ended(T outcome) = 0;

   protected:
    ~Owner() = default;
  };

  RootTask() = default;
  RootTask(const RootTask&) = delete;
  RootTask& operator=(const RootTask&) = delete;

  void begin(Task<T> task, Owner& owner) {
    task_ = follow(std::move(task), owner);
    task_.begin();
  }
  bool begun() const { return static_cast<bool>(task_); }
  // Abandons the task if it is not done.
  void drop() { task_ = {}; }

 private:
  struct Done {};
  static Task<Done> follow(Task<T> task, Owner& owner) {
    T outcome = co_await task;
    owner.on_task_ended(std::move(outcome));
    co_return Done{};
  }
  Task<Done> task_;
};

}  // namespace postern::base
