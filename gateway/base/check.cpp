#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace postern::base {

void check(bool condition, const char* why, const char* file, int line, const char* function) {
  if (condition) [[likely]]
    return;
  std::fprintf(stderr, "postern: invariant broken: %s (%s:%d in %s)\n", why, file, line, function);
  std::abort();
}

}  // namespace postern::base
