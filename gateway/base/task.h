// An asynchronous function (a coroutine). A task is lazy and has one owner; destroying it abandons the work
// and frees the coroutine frame with everything that the frame owns. A task resumes its parent by a plain
// call instead of symmetric transfer, so the stack stays bounded in every build mode (GCC 12 makes that
// transfer a tail call only when optimising). Frames come from the pool. Rule of use: give the task a name
// before you await it (scripts/check_awaits.py).
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/pool.h"

namespace postern::base {

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct ResumeParent {
    bool await_ready() noexcept { return false; }
    void await_suspend(Handle finished) noexcept {
      if (auto parent = finished.promise().parent) parent.resume();
    }
    void await_resume() noexcept {}
  };

  struct promise_type {
    std::optional<T> value;
    std::coroutine_handle<> parent;

    static void* operator new(size_t size) { return pool_allocate(size); }
    static void operator delete(void* frame, size_t size) noexcept { pool_release(frame, size); }

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    ResumeParent final_suspend() noexcept { return {}; }
    template <class U>
    void return_value(U&& result) {
      value.emplace(std::forward<U>(result));
    }
    void unhandled_exception() noexcept { std::terminate(); }
  };

  Task() = default;
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})), begun_(other.begun_) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, {});
      begun_ = other.begun_;
    }
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  explicit operator bool() const { return static_cast<bool>(frame_); }
  // Runs the task up to its first wait. Awaiting a task begins it; begin() without awaiting lets it run
  // concurrently with its owner.
  void begin() {
    if (!std::exchange(begun_, true)) frame_.resume();
  }
  bool done() const { return frame_.done(); }
  T& value() { return *frame_.promise().value; }

  bool await_ready() const { return frame_.done(); }
  bool await_suspend(std::coroutine_handle<> parent) {
    begin();
    if (frame_.done()) return false;  // it finished without waiting, so the parent continues at once
    frame_.promise().parent = parent;
    return true;
  }
  T await_resume() { return std::move(value()); }

 private:
  explicit Task(Handle frame) : frame_(frame) {}
  Handle frame_;
  bool begun_ = false;
};

}  // namespace postern::base
