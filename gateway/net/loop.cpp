#include "net/loop.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace postern::net {

base::Instant monotonic_now() { return base::Instant(base::Duration(static_cast<int64_t>(uv_hrtime()))); }

std::chrono::milliseconds unix_time() {
  using std::chrono::milliseconds;
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

int64_t unix_now() { return std::chrono::floor<std::chrono::seconds>(unix_time()).count(); }

struct Loop::Handles {
  UvHandle<uv_prepare_t> prepare;
  UvHandle<uv_check_t> check;
  UvHandle<uv_idle_t> idle;    // active only while readiness or a deferred coroutine is left over
  UvHandle<uv_timer_t> timer;  // ends the poll when a timer of the wheel may be due
  UvHandle<uv_poll_t> poll;
};

Loop::Loop() : turn_(monotonic_now()), receive_buffer_(receive_buffer_size), handles_(nullptr) {
  base::check(uv_loop_init(&uv_) == 0, "uv_loop_init failed");
  handles_ = new Handles;
  uv_prepare_init(&uv_, handles_->prepare.get());
  handles_->prepare.opened(this);
  uv_check_init(&uv_, handles_->check.get());
  handles_->check.opened(this);
  uv_idle_init(&uv_, handles_->idle.get());
  handles_->idle.opened(this);
  uv_timer_init(&uv_, handles_->timer.get());
  handles_->timer.opened(this);
  base::check(uv_poll_init(&uv_, handles_->poll.get(), poller_.descriptor()) == 0, "uv_poll_init failed");
  handles_->poll.opened(this);
  uv_prepare_start(handles_->prepare.get(),
                   [](uv_prepare_t* handle) { static_cast<Loop*>(handle->data)->before_poll(); });
  uv_check_start(handles_->check.get(),
                 [](uv_check_t* handle) { static_cast<Loop*>(handle->data)->after_poll(); });
  uv_poll_start(handles_->poll.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
    Loop* loop = static_cast<Loop*>(handle->data);
    loop->turn_.now = monotonic_now();
    loop->poller_.dispatch();
  });
}

Loop::~Loop() {
  turn_.run();
  delete handles_;
  while (uv_loop_alive(&uv_)) uv_run(&uv_, UV_RUN_DEFAULT);  // runs close callbacks, even after stop()
  base::check(uv_loop_close(&uv_) == 0, "a libuv handle outlived its loop");
}

void Loop::run() { uv_run(&uv_, UV_RUN_DEFAULT); }

void Loop::stop() { uv_stop(&uv_); }

void Loop::before_poll() {
  turn_.run();  // handles what libuv's timers, wake-ups and resolvers have filled
  if ((poller_.has_leftovers() || turn_.has_deferred()) != wakeful_) {
    wakeful_ = !wakeful_;
    if (wakeful_)
      uv_idle_start(handles_->idle.get(), [](uv_idle_t*) {});
    else
      uv_idle_stop(handles_->idle.get());
  }
  const std::optional<base::Instant> next = turn_.timers.next();
  if (!next) {
    if (wake_at_ != base::Instant::max()) uv_timer_stop(handles_->timer.get());
    wake_at_ = base::Instant::max();
  } else if (*next != wake_at_) {
    // A later deadline does not move an earlier wake-up: one idle turn costs less than re-arming the timer in
    // every turn.
    const base::Duration ahead = std::max(*next - monotonic_now(), base::Duration::zero());
    if (*next < wake_at_ || wake_at_ <= turn_.now) {
      wake_at_ = *next;
      uv_update_time(&uv_);
      uv_timer_start(
          handles_->timer.get(),
          // A turn may still be running when it is due. libuv then fires it before the next poll, where the
          // wheel's time is the time before that turn: it must be started again.
          [](uv_timer_t* handle) { static_cast<Loop*>(handle->data)->wake_at_ = base::Instant::max(); },
          static_cast<uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(ahead).count()), 0);
    }
  }
}

void Loop::after_poll() {
  turn_.now = monotonic_now();
  if (wakeful_ && poller_.has_leftovers()) poller_.dispatch();
  turn_.timers.advance(turn_.now);
  turn_.run();
}

}  // namespace postern::net
