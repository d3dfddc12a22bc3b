#include "upstream/hold_queue.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "base/root_task.h"
#include "support/turn_fixture.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;

namespace {

// A request that waits in the queue and counts its turns.
class Waiter final : private base::RootTask<bool>::Owner {
 public:
  Waiter(support::TurnFixture& turns, HoldQueue& queue, const char* client = "192.0.2.1", size_t most = 1000)
      : scope(turns.turn), ticket(queue) {
    entered = ticket.enter(most, *base::IpAddress::parse(client));
    if (entered) line_up();
  }
  void line_up() {
    Owner& self = *this;
    ended = false;
    task_.drop();
    task_.begin(wait(), self);
  }

  base::Scope scope;
  HoldQueue::Ticket ticket;
  bool entered = false;
  bool ended = false;
  bool got_turn = false;

 private:
  base::Task<bool> wait() {
    base::Result<bool> turn = co_await ticket.line_up(scope);
    ticket.leave_line();
    co_return turn.has_value();
  }
  void on_task_ended(bool turn) override {
    ended = true;
    got_turn = turn;
  }
  base::RootTask<bool> task_;
};

struct Fixture {
  std::vector<std::unique_ptr<Waiter>> line(size_t count) {
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (size_t i = 0; i < count; ++i) waiters.push_back(std::make_unique<Waiter>(turns, queue));
    return waiters;
  }
  support::TurnFixture turns;
  HoldQueue queue{turns.turn};
};

size_t turns(const std::vector<std::unique_ptr<Waiter>>& waiters) {
  size_t count = 0;
  for (const auto& waiter : waiters) count += waiter->got_turn;
  return count;
}

}  // namespace

TEST_CASE("hold queue: one at a time tries while nothing is known, with pauses that grow") {
  Fixture fixture;
  const auto waiters = fixture.line(5);
  CHECK(fixture.queue.count() == 5);
  fixture.turns.advance(40ms);
  CHECK(turns(waiters) == 0);
  fixture.turns.advance(40ms);
  CHECK(turns(waiters) == 1);
  CHECK(waiters[0]->got_turn);
  fixture.turns.advance(80ms);
  CHECK(turns(waiters) == 1);
  fixture.turns.advance(50ms);
  CHECK(turns(waiters) == 2);
  fixture.turns.advance(2s);
  CHECK(turns(waiters) == 5);
}

TEST_CASE("hold queue: the pause stops growing, and a request that failed lines up again") {
  Fixture fixture;
  const auto waiters = fixture.line(1);
  int tries = 0;
  for (base::Instant end = fixture.turns.turn.now + 10s; fixture.turns.turn.now < end;) {
    fixture.turns.advance(10ms);
    if (!waiters[0]->ended) continue;
    ++tries;
    fixture.queue.on_failed();
    waiters[0]->line_up();
  }
  CHECK(tries >= 18);
  CHECK(tries <= 24);
}

TEST_CASE("hold queue: after a connection twice as many follow each time") {
  Fixture fixture;
  const auto waiters = fixture.line(100);
  size_t before = 0;
  std::vector<size_t> batches;
  for (int i = 0; i < 60 && turns(waiters) < 100; ++i) {
    fixture.turns.advance(16ms);
    if (turns(waiters) == before) continue;
    batches.push_back(turns(waiters) - before);
    before = turns(waiters);
    fixture.queue.on_connected();
  }
  CHECK(batches == std::vector<size_t>{1, 2, 4, 8, 16, 32, 37});
}

TEST_CASE("hold queue: a failure brings it back to one at a time, whatever else connected") {
  Fixture fixture;
  const auto waiters = fixture.line(20);
  fixture.turns.advance(80ms);
  fixture.queue.on_connected();
  fixture.turns.advance(120ms);
  CHECK(turns(waiters) == 3);
  fixture.queue.on_connected();
  fixture.queue.on_failed();
  fixture.turns.advance(70ms);
  CHECK(turns(waiters) == 4);
}

TEST_CASE("hold queue: an answer lets several try at once") {
  Fixture fixture;
  const auto waiters = fixture.line(20);
  fixture.queue.on_answered();
  fixture.turns.settle();
  CHECK(turns(waiters) == HoldQueue::after_answer);
  fixture.queue.on_answered();
  fixture.queue.on_answered();
  fixture.turns.settle();
  CHECK(turns(waiters) == 20);
}

TEST_CASE("hold queue: who is cancelled leaves the line to the others") {
  Fixture fixture;
  auto waiters = fixture.line(3);
  waiters[0]->scope.cancel(base::Cause::client_closed);
  fixture.turns.settle();
  CHECK(waiters[0]->ended);
  CHECK_FALSE(waiters[0]->got_turn);
  waiters.erase(waiters.begin() + 1);  // one request is dropped while it waits
  fixture.turns.advance(80ms);
  CHECK(waiters[1]->got_turn);
  waiters.clear();
  CHECK(fixture.queue.count() == 0);
  fixture.turns.advance(1s);
}

TEST_CASE("hold queue: at most so many are held, and a place is free again when its ticket goes") {
  Fixture fixture;
  HoldQueue::Ticket first(fixture.queue);
  const base::IpAddress client = base::IpAddress::v4({192, 0, 2, 1});
  CHECK(first.enter(2, client));
  {
    HoldQueue::Ticket second(fixture.queue);
    HoldQueue::Ticket third(fixture.queue);
    CHECK(second.enter(2, client));
    CHECK(second.enter(2, client));  // entering twice counts once
    CHECK_FALSE(third.enter(2, client));
  }
  HoldQueue::Ticket fourth(fixture.queue);
  CHECK(fourth.enter(2, client));
}

TEST_CASE("hold queue: when it is full, who has fewer in it takes the place of the latest of who has most") {
  Fixture fixture;
  std::vector<std::unique_ptr<Waiter>> many;
  for (int i = 0; i < 3; ++i)
    many.push_back(std::make_unique<Waiter>(fixture.turns, fixture.queue, "192.0.2.1", 3));
  Waiter other(fixture.turns, fixture.queue, "192.0.2.2", 3);
  fixture.turns.settle();
  CHECK(other.entered);
  CHECK(many[2]->ended);
  CHECK_FALSE(many[2]->got_turn);
  CHECK(many[2]->ticket.gave_way());
  CHECK_FALSE(many[1]->ended);
  CHECK(fixture.queue.count() == 3);
  Waiter equal(fixture.turns, fixture.queue, "192.0.2.2", 3);  // it would have as many as the other
  CHECK_FALSE(equal.entered);
  CHECK(fixture.queue.count() == 3);
}

TEST_CASE("hold queue: who has its turn at the moment does not give way") {
  Fixture fixture;
  Waiter first(fixture.turns, fixture.queue, "192.0.2.1", 2);
  Waiter second(fixture.turns, fixture.queue, "192.0.2.1", 2);
  fixture.turns.advance(200ms);
  CHECK(first.got_turn);
  CHECK(second.got_turn);  // both have their turn now
  Waiter other(fixture.turns, fixture.queue, "192.0.2.2", 2);
  CHECK_FALSE(other.entered);
  second.line_up();
  Waiter again(fixture.turns, fixture.queue, "192.0.2.2", 2);
  CHECK(again.entered);
  fixture.turns.settle();
  CHECK(second.ticket.gave_way());
}
