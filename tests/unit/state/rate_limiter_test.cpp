#include "state/rate_limiter.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace postern;
using namespace postern::state;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant start{base::Duration(1'000'000'000'000)};

LocalRateLimiter limiter(uint32_t count, base::Duration per, uint32_t burst) {
  return LocalRateLimiter({"public", count, per, burst});
}

}  // namespace

TEST_CASE("rate limiter: the burst passes at once, then requests come back one by one") {
  LocalRateLimiter limit({"public", 10, 1s, 3});
  const RateLimiter::Key key = limit.key_of('h', "client");
  for (uint32_t left : {2u, 1u, 0u}) {
    const RateLimiter::BucketState bucket = limit.take(key, start);
    CHECK(bucket.passes);
    CHECK(bucket.remaining == left);
    CHECK(bucket.wait == 0ns);
    CHECK(bucket.until_full == (3 - left) * 100ms);
  }
  const RateLimiter::BucketState refused = limit.take(key, start + 30ms);
  CHECK_FALSE(refused.passes);
  CHECK(refused.remaining == 0);
  CHECK(refused.wait == 70ms);
  CHECK(refused.until_full == 270ms);
  CHECK_FALSE(limit.take(key, start + 99ms).passes);
  CHECK(limit.take(key, start + 100ms).passes);
  CHECK_FALSE(limit.take(key, start + 199ms).passes);
  CHECK(limit.take(key, start + 1h).remaining == 2);  // the bucket is full again, but not more than full
}

TEST_CASE("rate limiter: an amount that costs centuries is refused, and the bucket is as before") {
  LocalRateLimiter limit(
      {"bytes", 1, 24h, 2});  // of KiB: a message of 1 TiB costs more nanoseconds than there are numbers
  const RateLimiter::Key key = limit.key_of('h', "client");
  const RateLimiter::BucketState refused = limit.take(key, start, 1u << 30);
  CHECK_FALSE(refused.passes);
  CHECK(refused.wait > 24h);
  CHECK(limit.take(key, start).remaining == 1);
  CHECK(limit.book(key, start, 1u << 30) > 0ns);
}

TEST_CASE("rate limiter: a refused request takes nothing, and one given back passes again") {
  LocalRateLimiter limit({"public", 1, 1h, 2});
  const RateLimiter::Key key = limit.key_of('h', "client");
  CHECK(limit.take(key, start).passes);
  CHECK(limit.take(key, start).passes);
  for (int i = 0; i < 100; ++i) CHECK_FALSE(limit.take(key, start).passes);
  CHECK(limit.take(key, start).wait == 1h);
  limit.give_back(key);
  CHECK(limit.take(key, start).passes);
  CHECK_FALSE(limit.take(key, start).passes);
}

TEST_CASE("rate limiter: what is booked stands in a line, and a place that is given back is free") {
  LocalRateLimiter limit({"public", 10, 1s, 2});
  const RateLimiter::Key key = limit.key_of('h', "client");
  CHECK(limit.book(key, start, 1) == 0ns);
  CHECK(limit.book(key, start, 1) == 0ns);
  CHECK(limit.book(key, start, 1) == 100ms);
  CHECK(limit.book(key, start, 3) == 400ms);
  CHECK_FALSE(limit.take(key, start + 399ms).passes);
  limit.give_back(key, 3);
  CHECK(limit.book(key, start, 1) == 200ms);
  CHECK(limit.book(key, start + 1s, 5) == 300ms);  // more than the bucket contains: the rest is a debt
  CHECK(limit.book(limit.key_of('h', "greedy"), start, 4'000'000'000) == 1h - 200ms);
  limit.give_back(limit.key_of('h', "greedy"), 4'000'000'000);
  CHECK(limit.take(limit.key_of('h', "greedy"), start, 2).passes);
}

TEST_CASE("rate limiter: keys have buckets of their own, also values of different kinds") {
  LocalRateLimiter limit({"public", 1, 1h, 1});
  CHECK(limit.take(limit.key_of('h', "a"), start).passes);
  CHECK(limit.take(limit.key_of('h', "b"), start).passes);
  CHECK(limit.take(limit.key_of('c', "a"), start).passes);
  CHECK_FALSE(limit.take(limit.key_of('h', "a"), start).passes);
  // Each limiter has its own secret.
  CHECK(LocalRateLimiter({"public", 1, 1h, 1}).key_of('h', "a") != limit.key_of('h', "a"));
}

TEST_CASE("rate limiter: a worker whose clock is behind gives nothing away") {
  LocalRateLimiter limit({"public", 10, 1s, 1});
  const RateLimiter::Key key = limit.key_of('h', "client");
  CHECK(limit.take(key, start).passes);
  CHECK_FALSE(limit.take(key, start - 5ms).passes);
  CHECK_FALSE(limit.take(key, start + 99ms).passes);
  CHECK(limit.take(key, start + 100ms).passes);
}

TEST_CASE("rate limiter: threads together get the burst and what came back, and not one more") {
  constexpr int threads = 4;
  constexpr int tries = 20'000;
  LocalRateLimiter limit({"public", 1000, 1s, 500});
  const RateLimiter::Key key = limit.key_of('h', "client");
  std::atomic<int> passed{0};
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&] {
      for (int i = 0; i <= tries; ++i)
        if (limit.take(key, start + i * base::Duration(2s) / tries).passes) ++passed;
    });
  for (std::thread& thread : running) thread.join();
  // In two seconds; the last of the 2,000 returned requests becomes available exactly at the end.
  CHECK(passed.load() == 500 + 2000);
}

TEST_CASE("rate limiter: memory is bounded, and under a flood of keys the busy ones are remembered") {
  LocalRateLimiter limit({"public", 1, 1h, 100});
  const RateLimiter::Key busy = limit.key_of('h', "busy");
  for (int i = 0; i < 100; ++i) CHECK(limit.take(busy, start).passes);
  for (int i = 0; i < 200'000; ++i) limit.take(limit.key_of('h', std::to_string(i)), start);
  CHECK_FALSE(limit.take(busy, start).passes);
}

TEST_CASE("rate limiter: it says how much it allows") {
  CHECK(limiter(100, 1s, 50).description() == "100/s, at most 50 at once");
  CHECK(limiter(10, 1min, 10).description() == "10/m, at most 10 at once");
  CHECK(limiter(1, 1h, 1).description() == "1/h, at most 1 at once");
}
