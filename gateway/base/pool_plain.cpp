// The pool with plain allocation, for sanitizer builds (CMake chooses this file instead of pool.cpp).
#include "base/pool.h"

namespace postern::base {

size_t pool_rounded(size_t size) { return size; }
void* pool_allocate(size_t size) { return ::operator new(size); }
void pool_release(void* memory, size_t) noexcept { ::operator delete(memory); }

}  // namespace postern::base
