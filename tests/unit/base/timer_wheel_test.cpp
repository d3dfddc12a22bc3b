#include "base/timer_wheel.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace {

using namespace postern::base;
using namespace std::chrono_literals;

constexpr Duration tick = 16ms;
const Instant start{1234567us};

struct Alarm final : Timer {
  void on_deadline() override {
    ++fired;
    if (then) then();
  }
  int fired = 0;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("timer wheel: a timer fires never before its deadline, and within a tick after it") {
  for (int64_t offset = 0; offset < 40; ++offset) {
    for (const Duration limit :
         {Duration(1ns), Duration(1ms), Duration(16ms), Duration(100ms), Duration(5s)}) {
      const Instant now = start + Duration(offset * 1'000'003);
      TimerWheel wheel(now);
      Alarm alarm;
      wheel.arm(alarm, now, limit);
      CHECK(alarm.armed());
      wheel.advance(now + limit - 1ns);
      CHECK(alarm.fired == 0);
      wheel.advance(now + limit + tick);
      CHECK(alarm.fired == 1);
      CHECK_FALSE(alarm.armed());
    }
  }
}

TEST_CASE("timer wheel: long deadlines wait for their round") {
  TimerWheel wheel(start);
  Alarm minute;
  Alarm hour;
  wheel.arm(minute, start, 1min);
  wheel.arm(hour, start, 1h);
  for (Instant now = start; now < start + 2h; now += 7s) {
    wheel.advance(now);
    CHECK(minute.fired == (now >= start + 1min + tick || minute.fired ? 1 : 0));
    if (now < start + 1min) CHECK(minute.fired == 0);
    if (now < start + 1h) CHECK(hour.fired == 0);
  }
  CHECK(minute.fired == 1);
  CHECK(hour.fired == 1);
}

TEST_CASE("timer wheel: a jump over many rounds fires everything that is due, once") {
  TimerWheel wheel(start);
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 300; ++i) {
    alarms.push_back(std::make_unique<Alarm>());
    wheel.arm(*alarms.back(), start, std::chrono::seconds(i));
  }
  wheel.advance(start + 200s + tick);
  for (int i = 0; i < 300; ++i) {
    CAPTURE(i);
    CHECK(alarms[static_cast<size_t>(i)]->fired == (i <= 200 ? 1 : 0));
  }
}

TEST_CASE("timer wheel: a timer may arm itself again in its own call") {
  TimerWheel wheel(start);
  Alarm alarm;
  Instant now = start;
  alarm.then = [&] { wheel.arm(alarm, now, 100ms); };
  wheel.arm(alarm, now, 100ms);
  for (int i = 0; i < 100; ++i) {
    now += 10ms;
    wheel.advance(now);
  }
  CHECK(alarm.fired >= 8);  // 1 s in steps of 100 to 126 ms
  CHECK(alarm.fired <= 10);
  CHECK(alarm.armed());
}

TEST_CASE("timer wheel: arming with no time left fires in the next tick, not in the same call") {
  TimerWheel wheel(start);
  Alarm alarm;
  Instant now = start;
  alarm.then = [&] { wheel.arm(alarm, now, -5s); };
  wheel.arm(alarm, now, 0s);
  now += tick;
  wheel.advance(now);
  CHECK(alarm.fired == 1);
  now += tick;
  wheel.advance(now);
  CHECK(alarm.fired == 2);
}

TEST_CASE("timer wheel: a disarmed, moved or destroyed timer does not fire at its old time") {
  TimerWheel wheel(start);
  Alarm disarmed;
  Alarm moved;
  wheel.arm(disarmed, start, 1s);
  wheel.arm(moved, start, 1s);
  {
    Alarm destroyed;
    wheel.arm(destroyed, start, 1s);
  }
  disarmed.disarm();
  disarmed.disarm();
  wheel.arm(moved, start, 3s);
  wheel.advance(start + 2s);
  CHECK(disarmed.fired == 0);
  CHECK(moved.fired == 0);
  wheel.advance(start + 4s);
  CHECK(moved.fired == 1);
}

TEST_CASE("timer wheel: a timer may disarm or move another that is due in the same tick") {
  TimerWheel wheel(start);
  Alarm first;
  Alarm second;
  Alarm third;
  first.then = [&] {
    second.disarm();
    wheel.arm(third, start + 2s, 1s);
  };
  wheel.arm(first, start, 1s);
  wheel.arm(second, start, 1s);
  wheel.arm(third, start, 1s);
  wheel.advance(start + 2s);
  CHECK(first.fired == 1);
  CHECK(second.fired == 0);
  CHECK(third.fired == 0);
  wheel.advance(start + 4s);
  CHECK(third.fired == 1);
}

TEST_CASE("timer wheel: no limit disarms") {
  TimerWheel wheel(start);
  Alarm alarm;
  wheel.arm(alarm, start, 1s);
  wheel.arm(alarm, start, no_limit);
  CHECK_FALSE(alarm.armed());
  CHECK_FALSE(wheel.next());
  wheel.advance(start + 10s);
  CHECK(alarm.fired == 0);
}

TEST_CASE("timer wheel: next() is empty when nothing is armed, also after timers have left") {
  TimerWheel wheel(start);
  CHECK_FALSE(wheel.next());
  Alarm alarm;
  wheel.arm(alarm, start, 10s);
  CHECK(wheel.next().has_value());
  alarm.disarm();
  CHECK_FALSE(wheel.next());
}

TEST_CASE("timer wheel: waking at next() misses no deadline and wakes at most once per round") {
  for (const Duration limit : {Duration(0s), Duration(1ms), Duration(20ms), Duration(1s), Duration(30s),
                               Duration(40s), Duration(100s), Duration(1h)}) {
    CAPTURE(limit.count());
    TimerWheel wheel(start);
    Alarm alarm;
    wheel.arm(alarm, start, limit);
    int wakes = 0;
    Instant now = start;
    while (alarm.fired == 0) {
      const std::optional<Instant> next = wheel.next();
      REQUIRE(next);
      CHECK(*next > now);
      CHECK(*next <= start + limit + tick);
      now = *next;
      wheel.advance(now);
      ++wakes;
    }
    CHECK(now >= start + limit);
    CHECK(wakes <= 1 + limit / (2048 * tick));
  }
}

TEST_CASE("timer wheel: many random timers behave as a sorted list would") {
  const uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  TimerWheel wheel(start);
  constexpr size_t count = 200;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::map<size_t, Instant> model;
  Instant now = start;
  for (size_t i = 0; i < count; ++i) {
    alarms.push_back(std::make_unique<Alarm>());
    alarms[i]->then = [&, i] {
      REQUIRE(model.count(i) == 1);
      CHECK(model[i] <= now);
      model.erase(i);
    };
  }
  for (int step = 0; step < 20'000; ++step) {
    const size_t which = random() % count;
    switch (random() % 4) {
      case 0:
      case 1: {
        const Duration limit = random() % 8 == 0 ? Duration(std::chrono::milliseconds(random() % 200'000))
                                                 : Duration(std::chrono::microseconds(random() % 2'000'000));
        wheel.arm(*alarms[which], now, limit);
        model[which] = now + limit;
        break;
      }
      case 2:
        alarms[which]->disarm();
        model.erase(which);
        break;
      default: {
        now += random() % 50 == 0 ? Duration(std::chrono::seconds(random() % 90))
                                  : Duration(std::chrono::microseconds(random() % 60'000));
        wheel.advance(now);
        for (const auto& [timer, deadline] : model) CHECK(deadline + tick > now);
        const std::optional<Instant> next = wheel.next();
        CHECK(next.has_value() == !model.empty());
        for (const auto& [timer, deadline] : model)
          if (next) CHECK(*next <= deadline + tick);
      }
    }
    for (const auto& [timer, deadline] : model) CHECK(alarms[timer]->armed());
  }
}
