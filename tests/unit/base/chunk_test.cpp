#include "base/chunk.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace {

using namespace postern::base;

std::string all_of(ChunkQueue& queue) {
  std::string text;
  while (!queue.empty()) text += queue.pop().text();
  return text;
}

}  // namespace

TEST_CASE("chunk: an empty one has no bytes and no room") {
  const Chunk chunk;
  CHECK(chunk.empty());
  CHECK(chunk.room() == 0);
  CHECK(chunk.data() == nullptr);
  CHECK(Chunk::copy_of("").empty());
  CHECK(chunk.share().empty());
}

TEST_CASE("chunk: it copies once, is cut without copying, and gives its bytes away by moving") {
  std::string text = "hello world";
  Chunk chunk = Chunk::copy_of(text);
  text[0] = 'J';
  CHECK(chunk.text() == "hello world");
  const std::byte* where = chunk.data();
  chunk.drop_front(6);
  CHECK(chunk.text() == "world");
  CHECK(chunk.data() == where + 6);
  chunk.truncate(3);
  CHECK(chunk.text() == "wor");
  Chunk moved = std::move(chunk);
  CHECK(moved.data() == where + 6);
  CHECK(chunk.empty());
  CHECK(chunk.data() == nullptr);
  chunk = std::move(moved);
  CHECK(chunk.text() == "wor");
}

TEST_CASE("chunk: shared bytes live as long as their last owner, and nobody may append to them") {
  Chunk first = Chunk::with_capacity(100);
  first.append(bytes_of("shared"));
  CHECK(first.room() >= 94);
  Chunk second = first.share();
  CHECK(first.room() == 0);
  CHECK(second.room() == 0);
  CHECK(second.data() == first.data());
  second.drop_front(2);
  CHECK(first.text() == "shared");
  first = Chunk();
  CHECK(second.text() == "ared");
  CHECK(second.room() > 0);
}

TEST_CASE("chunk: filling at end() and extending is appending") {
  Chunk chunk = Chunk::with_capacity(16);
  chunk.append(bytes_of("ab"));
  chunk.end()[0] = std::byte{'c'};
  chunk.end()[1] = std::byte{'d'};
  chunk.extend(2);
  CHECK(chunk.text() == "abcd");
}

TEST_CASE("chunk queue: it counts bytes and keeps their order") {
  ChunkQueue queue;
  queue.push(Chunk::copy_of("one"));
  queue.push(Chunk());  // an empty chunk is ignored
  queue.push(Chunk::copy_of("two"));
  CHECK(queue.bytes() == 6);
  CHECK(queue.pop().text() == "one");
  CHECK(queue.bytes() == 3);
  CHECK(queue.pop().text() == "two");
  CHECK(queue.empty());
  CHECK(queue.bytes() == 0);
  queue.push(Chunk::copy_of("again"));
  CHECK(all_of(queue) == "again");
}

TEST_CASE("chunk queue: copies fill the last chunk's free room first") {
  ChunkQueue queue;
  Chunk roomy = Chunk::with_capacity(64);
  roomy.append(bytes_of("start "));
  queue.push(std::move(roomy));
  queue.push_copy(bytes_of("and more"));
  CHECK(queue.bytes() == 14);
  int chunks = 0;
  queue.visit(10, [&](Bytes) { ++chunks; });
  CHECK(chunks == 1);
  CHECK(all_of(queue) == "start and more");
}

TEST_CASE("chunk queue: a copy never changes bytes that somebody else shares") {
  ChunkQueue queue;
  Chunk chunk = Chunk::with_capacity(64);
  chunk.append(bytes_of("shared"));
  const Chunk other = chunk.share();
  queue.push(std::move(chunk));
  queue.push_copy(bytes_of(" mine"));
  CHECK(other.text() == "shared");
  CHECK(all_of(queue) == "shared mine");
}

TEST_CASE("chunk queue: a large copy is cut into pieces and stays whole") {
  std::string large(1'000'000, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
  ChunkQueue queue;
  queue.push_copy(bytes_of(large));
  CHECK(queue.bytes() == large.size());
  CHECK(all_of(queue) == large);
}

TEST_CASE("chunk queue: dropping from the front and visiting agree with a string") {
  const uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  ChunkQueue queue;
  std::string model;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0 || model.empty()) {
      const std::string text(1 + random() % 200, static_cast<char>('a' + step % 26));
      model += text;
      if (random() % 2 == 0)
        queue.push(Chunk::copy_of(text));
      else
        queue.push_copy(bytes_of(text));
    } else {
      const size_t count = random() % (model.size() + 1);
      queue.drop_front(count);
      model.erase(0, count);
    }
    REQUIRE(queue.bytes() == model.size());
    REQUIRE(queue.empty() == model.empty());
    std::string seen;
    const size_t visited = queue.visit(3, [&](Bytes bytes) { seen += text_of(bytes); });
    CHECK(visited <= 3);
    REQUIRE(model.starts_with(seen));
  }
  CHECK(all_of(queue) == model);
}

TEST_CASE("chunk queue: moving takes everything along") {
  ChunkQueue queue;
  queue.push(Chunk::copy_of("x"));
  ChunkQueue other = std::move(queue);
  CHECK(queue.empty());
  CHECK(queue.bytes() == 0);
  CHECK(other.bytes() == 1);
}
