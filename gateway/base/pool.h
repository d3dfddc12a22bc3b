// Small memory from per-thread free lists by size class: an allocation and a release are a few
// instructions and no lock. Frames, chunks, heads and exchanges live here, so a request in the steady
// state asks the system for nothing. Memory goes back to the thread that releases it; each class keeps at
// most `pool_keep_bytes` and gives the rest back to the system. Sanitizer builds use plain allocation
// (pool_plain.cpp), so that every use after free is seen.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace postern::base {

inline constexpr size_t pool_largest = 64 * 1024;       // larger requests go to the system
inline constexpr size_t pool_keep_bytes = 1024 * 1024;  // per class and thread

void* pool_allocate(size_t size);
void pool_release(void* memory, size_t size) noexcept;  // `size` as it was asked for

// The size that pool_allocate really sets aside for `size`; the rest may be used.
size_t pool_rounded(size_t size);

// For containers of the data path.
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

// Base of classes that are made often: `new` and `delete` of them use the pool.
struct Pooled {
  static void* operator new(size_t size) { return pool_allocate(size); }
  static void operator delete(void* memory, size_t size) noexcept { pool_release(memory, size); }
};

}  // namespace postern::base
