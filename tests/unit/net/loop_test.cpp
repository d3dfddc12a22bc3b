#include "net/loop.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/mailbox.h"
#include "unit/net/loop_fixture.h"

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;

namespace {

struct Due final : base::Timer {
  void on_deadline() override { fired = true; }
  bool fired = false;
};

// Occupies the turn until that time.
struct Busy final : base::Flushable {
  void flush() override {
    while (monotonic_now() < until) {
    }
  }
  base::Instant until{};
};

}  // namespace

TEST_CASE("loop: a timer that becomes due while a turn runs is not lost") {
  LoopFixture fixture;
  base::Turn& turn = fixture.loop.turn();
  Busy busy;
  bool woken = false;
  Mailbox<bool> mailbox(fixture.loop, [&](bool by_watchdog) {
    woken = woken || by_watchdog;
    if (!by_watchdog) turn.flush_later(busy);
  });
  Due due;
  turn.now = monotonic_now();
  turn.arm(due, 1ms);
  fixture.run_idly(1);  // the loop knows when to wake
  busy.until = monotonic_now() + 60ms;
  mailbox.post(false);

  std::mutex mutex;
  std::condition_variable over;
  bool is_over = false;
  std::thread watchdog([&] {
    std::unique_lock lock(mutex);
    if (!over.wait_for(lock, 3s, [&] { return is_over; })) mailbox.post(true);
  });
  while (!due.fired && !woken) uv_run(fixture.loop.uv(), UV_RUN_ONCE);
  {
    const std::lock_guard lock(mutex);
    is_over = true;
  }
  over.notify_one();
  watchdog.join();
  CHECK(due.fired);
  CHECK_FALSE(woken);
}
