// Conditional requests (RFC 9110 13): whether the client has the current version already, and whether it may
// resume a download.
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

// Evaluates the conditions of a GET or HEAD for a file that exists, in the order of 13.2.2. Fields that
// cannot be parsed are ignored, except If-Match and If-None-Match, where an unparsable tag matches nothing.
Condition evaluate(const http::Headers& headers, const Validators& validators, int64_t now_unix);

// Whether a Range may be honoured: there is no If-Range, or it matches this representation (13.1.5).
bool range_applies(const http::Headers& headers, const Validators& validators, int64_t now_unix);

}  // namespace postern::files
