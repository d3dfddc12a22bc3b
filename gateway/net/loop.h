// One libuv loop and the four beats of its turns: callbacks fill channels and slots, coroutines run, writers
// flush, the graveyard is swept. Every object of a worker is made, used and destroyed on its loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/turn.h"
#include "net/poller.h"
#include "net/uv_handle.h"

namespace postern::net {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // until stop()
  void stop();  // only from the loop's own thread; run() returns after this turn

  base::Turn& turn() { return turn_; }
  Poller& poller() { return poller_; }
  uv_loop_t* uv() { return &uv_; }

  // The buffer that sockets read into: one for all, whose bytes must be consumed before the callback returns.
  std::span<std::byte> receive_buffer() { return receive_buffer_; }

  static constexpr size_t receive_buffer_size = 128 * 1024;

 private:
  void before_poll();
  void after_poll();

  uv_loop_t uv_;
  base::Turn turn_;
  Poller poller_;
  std::vector<std::byte> receive_buffer_;
  struct Handles;
  Handles* handles_;
  base::Instant wake_at_ = base::Instant::max();
  bool wakeful_ = false;
};

base::Instant monotonic_now();
std::chrono::milliseconds unix_time();  // the wall clock: since 1970 in UTC
int64_t unix_now();                     // the same in whole seconds

}  // namespace postern::net
