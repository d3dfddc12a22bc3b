#include "base/pool.h"

#include <array>
#include <bit>
#include <cstdint>

namespace postern::base {
namespace {

constexpr size_t smallest = 32;
// Four size classes per power of two (1, 1.25, 1.5, 1.75), so that at most a fifth of a block is wasted.
constexpr size_t class_count = 48;

struct Free {
  Free* next;
};

struct SizeClass {
  Free* first = nullptr;
  size_t kept = 0;  // bytes
};

struct Lists {
  std::array<SizeClass, class_count> classes;
  ~Lists() {
    for (SizeClass& size_class : classes)
      while (Free* block = size_class.first) {
        size_class.first = block->next;
        ::operator delete(block);
      }
  }
};

thread_local Lists lists;

constexpr size_t computed_index(size_t size) {
  if (size <= smallest) return 0;
  const size_t power = static_cast<size_t>(std::bit_width(size - 1)) - 1;  // 2^power < size <= 2^(power+1)
  const size_t quarter = (size - 1 - (size_t{1} << power)) >> (power - 2);
  return (power - 5) * 4 + quarter + 1;
}

constexpr size_t computed_size(size_t index) {
  if (index == 0) return smallest;
  const size_t power = (index - 1) / 4 + 5;
  const size_t quarter = (index - 1) % 4 + 1;
  return (size_t{1} << power) + (quarter << (power - 2));
}

// A request allocates and releases about thirty blocks, nearly all of them small. Looking the class up in a
// table costs a third of the arithmetic. Classes are multiples of eight bytes.
constexpr size_t tabled = 2048;
constexpr auto indices = [] {
  std::array<uint8_t, tabled / 8 + 1> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(computed_index(i * 8));
  return table;
}();
constexpr auto sizes = [] {
  std::array<size_t, class_count> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = computed_size(i);
  return table;
}();

size_t index_of(size_t size) { return size <= tabled ? indices[(size + 7) / 8] : computed_index(size); }
size_t size_of(size_t index) { return sizes[index]; }

}  // namespace

size_t pool_rounded(size_t size) { return size > pool_largest ? size : size_of(index_of(size)); }

void* pool_allocate(size_t size) {
  if (size > pool_largest) return ::operator new(size);
  const size_t index = index_of(size);
  SizeClass& size_class = lists.classes[index];
  if (Free* block = size_class.first) {
    size_class.first = block->next;
    size_class.kept -= size_of(index);
    return block;
  }
  return ::operator new(size_of(index));
}

void pool_release(void* memory, size_t size) noexcept {
  if (memory == nullptr) return;
  if (size > pool_largest) return ::operator delete(memory);
  const size_t index = index_of(size);
  SizeClass& size_class = lists.classes[index];
  const size_t bytes = size_of(index);
  if (size_class.kept + bytes > pool_keep_bytes) return ::operator delete(memory);
  Free* block = static_cast<Free*>(memory);
  block->next = size_class.first;
  size_class.first = block;
  size_class.kept += bytes;
}

}  // namespace postern::base
