#include "websocket/message_queue.h"

#include <doctest/doctest.h>

#include <string>

using namespace postern;
using websocket::MessageQueue;
using Full = MessageQueue::Full;

namespace {

// The memory of the longest of the short messages below. Builds with a sanitizer do not round sizes up, so
// there each of these messages takes a different amount.
const uint64_t size_of_one = [] {
  MessageQueue queue(1000, Full::refuse);
  queue.push(base::Chunk::copy_of("cccccc"), {});
  return queue.held();
}();

bool push(MessageQueue& queue, std::string_view text, std::string_view key = {},
          MessageQueue::Kind kind = MessageQueue::Kind::message) {
  return queue.push(base::Chunk::copy_of(text), key, kind);
}

std::string drain(MessageQueue& queue) {
  std::string all;
  while (!queue.empty()) all += std::string(queue.pop().text()) + " ";
  return all;
}

}  // namespace

TEST_CASE("message queue: is first in, first out, up to what it may hold") {
  MessageQueue queue(2 * size_of_one, Full::refuse);
  CHECK(push(queue, "aaaa"));
  CHECK(push(queue, "bbbb"));
  CHECK_FALSE(push(queue, "ccc"));
  CHECK(queue.bytes() == 8);
  CHECK(drain(queue) == "aaaa bbbb ");
  CHECK(queue.bytes() == 0);
  CHECK(queue.held() == 0);
  CHECK(push(queue, std::string(1000, 'x')));  // larger than the queue
}

TEST_CASE("message queue: small messages, and their keys, count as what they take") {
  for (const size_t size : {size_t{1}, size_t{2}, size_t{30}, size_t{5000}}) {
    for (const size_t key : {size_t{0}, size_t{1}, size_t{300}}) {
      CAPTURE(size);
      CAPTURE(key);
      MessageQueue queue(64 * 1024, Full::keep_latest);
      size_t last = 0;
      for (int i = 0; i < 2'000; ++i) {
        std::string name = std::to_string(i);
        name.resize(key, '.');
        push(queue, std::string(size, 'x'), name);
        last = queue.messages();
        CHECK(queue.held() <= 64 * 1024);
      }
      // A list node, a block and a map node take at least this many bytes, whatever the allocator adds.
      CHECK(last * (size + key + 64) <= 64 * 1024);
      CHECK(last > 0);
    }
  }
}

TEST_CASE("message queue: kinds are told apart by all of their name, however many there are") {
  MessageQueue queue(64 * 1024 * 1024, Full::keep_latest);
  for (int i = 0; i < 20'000; ++i) push(queue, "old", "kind" + std::to_string(i));
  CHECK(queue.messages() == 20'000);
  for (int i = 0; i < 20'000; ++i) push(queue, "new", "kind" + std::to_string(i));
  CHECK(queue.messages() == 20'000);
  CHECK(queue.dropped() == 20'000);
  while (!queue.empty()) CHECK(queue.pop().text() == "new");
  CHECK(queue.held() == 0);
}

TEST_CASE("message queue: the oldest make room, as many as it takes") {
  MessageQueue queue(2 * size_of_one, Full::drop_oldest);
  push(queue, "aaaa");
  push(queue, "bbbb");
  CHECK(push(queue, "cccccc"));
  CHECK(queue.dropped() == 1);
  CHECK(drain(queue) == "bbbb cccccc ");
  push(queue, "dddd");
  const std::string large(500, 'e');
  CHECK(push(queue, large));
  CHECK(drain(queue) == large + " ");
}

TEST_CASE("message queue: the latest of a kind takes the place of the one before it") {
  MessageQueue queue(10'000, Full::keep_latest);
  push(queue, "price1", "price");
  push(queue, "news1", "news");
  push(queue, "other");
  push(queue, "price2", "price");
  push(queue, "other");
  CHECK(queue.dropped() == 1);
  CHECK(drain(queue) == "news1 other price2 other ");
}

TEST_CASE("message queue: of pings and pongs the last waits, whatever becomes of messages") {
  using Kind = MessageQueue::Kind;
  for (const Full full : {Full::refuse, Full::drop_oldest, Full::keep_latest}) {
    MessageQueue queue(10'000, full);
    push(queue, "message1", "pong");
    for (int i = 0; i < 1000; ++i) CHECK(push(queue, "pong" + std::to_string(i), "pong", Kind::control));
    push(queue, "ping", "ping", Kind::control);
    CHECK(queue.messages() == 1);
    CHECK(queue.dropped() == 0);
    CHECK(drain(queue) == "message1 pong999 ping ");
    CHECK(queue.messages() == 0);
  }
}

TEST_CASE("message queue: a Close is never dropped, and always has a place") {
  MessageQueue queue(4, Full::drop_oldest);
  push(queue, "aaaa");
  CHECK(push(queue, "close", {}, MessageQueue::Kind::close));
  CHECK(drain(queue) == "aaaa close ");
  push(queue, "close", {}, MessageQueue::Kind::close);
  CHECK_FALSE(push(queue, "bbbb"));
  CHECK(drain(queue) == "close ");
}
