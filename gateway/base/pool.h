// A memory pool for small blocks: per-thread free lists by size class. An allocation and a release take a few
// instructions and no lock. Coroutine frames, chunks, heads and exchanges use it, so a request in the steady
// state asks the system for no memory. A block goes back to the thread that releases it; each class keeps at
// most `pool_keep_bytes` and returns the rest to the system. Sanitizer builds use plain allocation
// (pool_plain.cpp), so that they detect every use after free.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace postern::base {

inline constexpr size_t pool_largest = 64 * 1024;       // larger blocks come from the system
inline constexpr size_t pool_keep_bytes = 1024 * 1024;  // per class and thread

void* pool_allocate(size_t size);
void pool_release(void* memory, size_t size) noexcept;  // `size` as passed to pool_allocate()

// The size of the block that pool_allocate really returns for `size`; all of it may be used.
size_t pool_rounded(size_t size);

// An allocator for containers of the data path.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  explicit PoolAllocator(const PoolAllocator<U>&) {}
  T* allocate(size_t count) { return static_cast<T*>(pool_allocate(count * sizeof(T))); }
  void deallocate(T* memory, size_t count) noexcept { pool_release(memory, count * sizeof(T)); }
  friend bool operator==(PoolAllocator, PoolAllocator) { return true; }
};

// Base class for classes that are allocated often: their `new` and `delete` use the pool.
struct Pooled {
  static void* operator new(size_t size) { return pool_allocate(size); }
  static void operator delete(void* memory, size_t size) noexcept { pool_release(memory, size); }
};

}  // namespace postern::base
