// The root of a task tree. It begins a task outside any coroutine and tells its owner once when the task has
// ended. The owner must not free the story in that call; it buries itself in the graveyard instead.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

#include "base/task.h"

namespace postern::base {

template <class T>
class Story {
 public:
  class Owner {
   public:
    virtual void on_story_ended(T outcome) = 0;

   protected:
    ~Owner() = default;
  };

  Story() = default;
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  void begin(Task<T> task, Owner& owner) {
    told_ = follow(std::move(task), owner);
    told_.begin();
  }
  bool begun() const { return static_cast<bool>(told_); }
  // Abandons the work, if it is not done.
  void drop() { told_ = {}; }

 private:
  struct Done {};
  static Task<Done> follow(Task<T> task, Owner& owner) {
    T outcome = co_await task;
    owner.on_story_ended(std::move(outcome));
    co_return Done{};
  }
  Task<Done> told_;
};

}  // namespace postern::base
