// An Error without the list of what can go wrong: enough for a header that passes errors on and names none of
// them. A new cause then rebuilds what names causes, and not everything that has a Result.
#pragma once

#include <cstdint>

namespace postern::base {

enum class Cause : uint8_t;  // listed in base/error.h
enum class Stage : uint8_t;  //

// What went wrong, and where in an exchange. Two bytes.
struct Error {
  Cause cause{};
  Stage stage{};
  friend bool operator==(Error, Error) = default;
};

enum class Side : uint8_t { client, upstream, gateway };

enum class Severity : uint8_t { debug, info, warn, error };

// For tables with an entry for each cause or stage: at least as many as there are.
inline constexpr int cause_max = 128;
inline constexpr int stage_max = 16;

}  // namespace postern::base
