#include "websocket/message_queue.h"

#include <doctest/doctest.h>

#include <string>

using namespace postern;
using websocket::MessageQueue;
using Full = MessageQueue::Full;

namespace {

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

TEST_CASE("message queue: is first in, first out, up to its bytes") {
  MessageQueue queue(10, Full::refuse);
  CHECK(push(queue, "aaaa"));
  CHECK(push(queue, "bbbb"));
  CHECK_FALSE(push(queue, "ccc"));
  CHECK(queue.bytes() == 8);
  CHECK(drain(queue) == "aaaa bbbb ");
  CHECK(queue.bytes() == 0);
  CHECK(push(queue, "a message larger than the queue"));
}

TEST_CASE("message queue: the oldest make room, as many as it takes") {
  MessageQueue queue(10, Full::drop_oldest);
  push(queue, "aaaa");
  push(queue, "bbbb");
  CHECK(push(queue, "cccccc"));
  CHECK(queue.dropped() == 1);
  CHECK(drain(queue) == "bbbb cccccc ");
  push(queue, "dddd");
  CHECK(push(queue, "0123456789abc"));
  CHECK(drain(queue) == "0123456789abc ");
}

TEST_CASE("message queue: the latest of a kind takes the place of the one before it") {
  MessageQueue queue(100, Full::keep_latest);
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
    MessageQueue queue(100, full);
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
