#include "base/pool.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

namespace {

using namespace postern::base;

// Sanitizer builds use the plain pool, which keeps nothing.
bool keeps_memory() { return pool_rounded(33) != 33; }

size_t bytes_in_use() { return mallinfo2().uordblks; }

struct Small : Pooled {
  uint64_t value = 7;
};

}  // namespace

TEST_CASE("pool: what is set aside is enough, aligned, and wastes at most a fifth") {
  for (size_t size = 1; size <= pool_largest + 100; size += size < 300 ? 1 : 97) {
    CAPTURE(size);
    const size_t rounded = pool_rounded(size);
    CHECK(rounded >= size);
    CHECK(pool_rounded(rounded) == rounded);
    if (size > 32 && size <= pool_largest) CHECK(rounded - size <= rounded / 5);
    void* memory = pool_allocate(size);
    CHECK(reinterpret_cast<uintptr_t>(memory) % alignof(std::max_align_t) == 0);
    std::memset(memory, 0xa5, rounded);  // a sanitizer would detect a block that is too small
    pool_release(memory, size);
  }
}

TEST_CASE("pool: blocks that are out at the same time do not touch") {
  std::vector<std::pair<unsigned char*, size_t>> blocks;
  for (size_t i = 0; i < 500; ++i) {
    const size_t size = 1 + i * 37 % 3000;
    auto* block = static_cast<unsigned char*>(pool_allocate(size));
    std::memset(block, static_cast<int>(i % 251), size);
    blocks.emplace_back(block, size);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    bool whole = true;
    for (size_t at = 0; at < blocks[i].second; ++at) whole = whole && blocks[i].first[at] == i % 251;
    CHECK(whole);
    pool_release(blocks[i].first, blocks[i].second);
  }
}

TEST_CASE("pool: a released block is given out again for every size of its class") {
  if (!keeps_memory()) return;
  void* block = pool_allocate(1000);
  pool_release(block, 1000);
  void* same = pool_allocate(pool_rounded(1000));
  CHECK(same == block);
  pool_release(same, pool_rounded(1000));
}

TEST_CASE("pool: each class keeps a bounded amount and gives the rest back") {
  if (!keeps_memory()) return;
  constexpr size_t size = 40'000;
  constexpr size_t count = 200;  // 8 MB
  const size_t before = bytes_in_use();
  std::vector<void*> blocks;
  for (size_t i = 0; i < count; ++i) blocks.push_back(pool_allocate(size));
  CHECK(bytes_in_use() - before >= count * size);
  for (void* block : blocks) pool_release(block, size);
  CHECK(bytes_in_use() <= before + pool_keep_bytes + 64 * 1024);
}

TEST_CASE("pool: nothing is released for nothing") { pool_release(nullptr, 100); }

TEST_CASE("pool: containers and classes may use it") {
  std::vector<int, PoolAllocator<int>> numbers;
  for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
  CHECK(numbers.back() == 9999);
  const auto small = std::make_unique<Small>();
  CHECK(small->value == 7);
}
