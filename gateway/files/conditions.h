// Conditional requests (RFC 9110 13): does the client have this already, and may it go on with what it has?
#pragma once

#include <cstdint>
#include <string_view>

#include "http/headers.h"

namespace postern::files {

struct Validators {
  std::string_view etag;  // strong, in its quotes
  int64_t last_modified;  // seconds since 1970
};

enum class Condition : uint8_t { holds, not_modified, failed };

// Of a GET or HEAD of something that exists, in the order of 13.2.2. Fields that cannot be read do not count,
// but for If-Match and If-None-Match, in which nothing unreadable fits.
Condition evaluate(const http::Headers& headers, const Validators& validators, int64_t now_unix);

// Whether a Range may be honoured: there is no If-Range, or it names this very representation (13.1.5).
bool range_applies(const http::Headers& headers, const Validators& validators, int64_t now_unix);

}  // namespace postern::files
