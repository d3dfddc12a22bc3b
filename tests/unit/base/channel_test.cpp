#include "base/channel.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "base/task.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

namespace {

using namespace postern::base;
using postern::support::TurnFixture;
using postern::support::WatchedTask;

struct Heard {
  std::string text;
  bool ended = false;
  std::optional<Error> error;
};

Task<bool> read_all(Scope& scope, Channel& channel, Heard& heard) {
  for (;;) {
    Result<Chunk> chunk = co_await channel.read(scope);
    if (!chunk) {
      heard.error = chunk.error();
      co_return false;
    }
    if (chunk->empty()) break;
    heard.text += chunk->text();
  }
  heard.ended = true;
  co_return true;
}

Task<Result<int>> wait_for_room(Scope& scope, Channel& channel) {
  Result<void> room = co_await channel.room(scope);
  if (!room) co_return fail(room.error());
  co_return 1;
}

struct Producer final : Channel::Producer {
  void on_room() override { ++calls; }
  int calls = 0;
};
struct Consumer final : Channel::Consumer {
  void on_pushed() override { ++calls; }
  int calls = 0;
};

Chunk chunk(std::string_view text) { return Chunk::copy_of(text); }

}  // namespace

TEST_CASE("channel: bytes come out in order, then the end") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel;
  Heard heard;
  WatchedTask<bool> task(read_all(scope, channel, heard));
  channel.push(chunk("one "));
  turns.settle();
  CHECK(heard.text == "one ");
  channel.push(chunk("two "));
  channel.push(chunk("three"));
  channel.end();
  turns.settle();
  CHECK(heard.text == "one two three");
  CHECK(heard.ended);
  CHECK(channel.at_end());
}

TEST_CASE("channel: an empty push is not an end") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel;
  Heard heard;
  WatchedTask<bool> task(read_all(scope, channel, heard));
  channel.push(Chunk());
  turns.settle();
  CHECK_FALSE(task.ended());
  CHECK_FALSE(channel.readable());
}

TEST_CASE("channel: nothing is taken after the end") {
  Channel channel;
  channel.end();
  channel.push(chunk("late"));
  CHECK(channel.bytes() == 0);
  CHECK(channel.at_end());
  channel.end();
  channel.abort(Error{Cause::internal, Stage::accept});  // ignored, because the end was read already
  CHECK_FALSE(channel.aborted());
}

TEST_CASE("channel: readers get what was pushed before an abort, then the error") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel;
  Heard heard;
  channel.push(chunk("pushed before"));
  channel.abort(Error{Cause::upstream_closed, Stage::response_body});
  channel.push(chunk("and after"));
  CHECK(channel.readable());
  CHECK(channel.closed());
  CHECK_FALSE(channel.at_end());
  WatchedTask<bool> task(read_all(scope, channel, heard));
  REQUIRE(task.ended());
  REQUIRE(heard.error);
  CHECK(*heard.error == Error{Cause::upstream_closed, Stage::response_body});
  CHECK(heard.text == "pushed before");
  CHECK_FALSE(channel.at_end());
}

TEST_CASE("channel: an abort before the end was read outranks the end") {
  Channel channel;
  channel.push(chunk("x"));
  channel.end();
  channel.abort(Error{Cause::upstream_closed, Stage::response_body});
  CHECK(channel.aborted().has_value());
  CHECK_FALSE(channel.at_end());
}

TEST_CASE("channel: an abort wakes reader and writer that wait") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel(4);
  Heard heard;
  channel.push(chunk("full"));
  WatchedTask<Result<int>> writing(wait_for_room(scope, channel));
  CHECK_FALSE(writing.ended());
  channel.abort(Error{Cause::client_closed, Stage::request_body});
  turns.settle();
  REQUIRE(writing.ended());
  REQUIRE_FALSE(writing.outcome());
  CHECK(writing.outcome().error().cause == Cause::client_closed);
}

TEST_CASE("channel: there is room until high water, and again below low water") {
  Channel channel(100);
  Producer producer;
  channel.set_producer(&producer);
  channel.push(chunk(std::string(60, 'a')));
  CHECK(channel.has_room());
  channel.push(chunk(std::string(39, 'b')));
  CHECK(channel.has_room());
  channel.push(chunk("c"));  // 100
  CHECK_FALSE(channel.has_room());
  CHECK(channel.take().size() == 60);  // 40 left, below the low-water mark
  CHECK(producer.calls == 1);
  CHECK(channel.take().size() == 39);
  CHECK(channel.take().size() == 1);
  CHECK(producer.calls == 1);  // called once for each time it was full
}

TEST_CASE("channel: the producer is not told between high and low water") {
  Channel channel(100);
  Producer producer;
  channel.set_producer(&producer);
  for (int i = 0; i < 10; ++i) channel.push(chunk("0123456789"));
  for (int i = 0; i < 4; ++i) (void)channel.take();
  CHECK(channel.bytes() == 60);
  CHECK(producer.calls == 0);
  (void)channel.take();
  CHECK(producer.calls == 1);
}

TEST_CASE("channel: a producer that was never held up is never called") {
  Channel channel(100);
  Producer producer;
  channel.set_producer(&producer);
  channel.push(chunk("abc"));
  (void)channel.take();
  CHECK(producer.calls == 0);
}

TEST_CASE("channel: a task that waits for room goes on at low water") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel(10);
  channel.push(chunk("12345"));
  channel.push(chunk("67890"));
  WatchedTask<Result<int>> task(wait_for_room(scope, channel));
  turns.settle();
  CHECK_FALSE(task.ended());
  (void)channel.take();
  turns.settle();
  REQUIRE(task.ended());
  CHECK(task.outcome().has_value());
}

TEST_CASE("channel: the consumer is called for bytes, for the end and for an abort") {
  Channel channel;
  Consumer consumer;
  channel.set_consumer(&consumer);
  channel.push(chunk("a"));
  CHECK(consumer.calls == 1);
  channel.push(chunk("b"));
  CHECK(consumer.calls == 2);
  channel.end();
  CHECK(consumer.calls == 3);
  Channel other;
  other.set_consumer(&consumer);
  other.abort(Error{});
  CHECK(consumer.calls == 4);
}

TEST_CASE("channel: discarding drops what is there and what comes, and gives the producer room") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel(10);
  Producer producer;
  channel.set_producer(&producer);
  channel.push(chunk("0123456789"));
  WatchedTask<Result<int>> task(wait_for_room(scope, channel));
  channel.discard();
  CHECK(producer.calls == 1);
  CHECK(channel.bytes() == 0);
  channel.push(chunk(std::string(100, 'x')));
  CHECK(channel.bytes() == 0);
  CHECK(channel.has_room());
  turns.settle();
  REQUIRE(task.ended());
  CHECK(task.outcome().has_value());
  channel.end();
  CHECK(channel.at_end());
}

TEST_CASE("channel: a cancelled scope ends a read even when bytes are there") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel;
  Heard heard;
  channel.push(chunk("bytes"));
  scope.cancel(Cause::shutting_down);
  WatchedTask<bool> task(read_all(scope, channel, heard));
  REQUIRE(task.ended());
  REQUIRE(heard.error);
  CHECK(heard.error->cause == Cause::shutting_down);
  CHECK(channel.bytes() == 5);
}

TEST_CASE("channel: a reader that was dropped is not woken") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel channel;
  Heard heard;
  { WatchedTask<bool> task(read_all(scope, channel, heard)); }
  channel.push(chunk("x"));
  turns.settle();
  CHECK(heard.text.empty());
  CHECK(channel.bytes() == 1);
}
