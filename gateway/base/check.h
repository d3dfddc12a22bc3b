// Checks of the program's own invariants. A check states what only a programming error can break, stays on in
// production, and is the only way in which this program aborts. Never check anything that a peer or a file
// can cause.
#pragma once

namespace postern::base {

// Aborts the process with `why` and the caller's source location when `condition` is false.
// (std::source_location would be the better tool, but clang 14 does not have it.)
void check(bool condition, const char* why, const char* file = __builtin_FILE(), int line = __builtin_LINE(),
           const char* function = __builtin_FUNCTION());

}  // namespace postern::base
