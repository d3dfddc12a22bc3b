// Invariants of our own making. A check states what only a programming error can break, stays on in
// production, and is the only way this program aborts. Never check anything a peer or a file can cause.
#pragma once

namespace postern::base {

// Ends the process with `why` and the caller's place in the source when `condition` is false.
// (std::source_location would say it better; clang 14 does not have it.)
void check(bool condition, const char* why, const char* file = __builtin_FILE(), int line = __builtin_LINE(),
           const char* function = __builtin_FUNCTION());

}  // namespace postern::base
