// What a revocation can name a token by, as digests: small enough to be kept with every WebSocket and event
// stream, and telling nothing about a person.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace postern::state {

// The first half of a text's SHA-256; all zero for a text that is empty or missing. Names come from tokens
// and from providers, who can make two with the same digest only by breaking SHA-256.
using MarkDigest = std::array<uint64_t, 2>;
MarkDigest mark_of(std::string_view text);
constexpr bool is_set(const MarkDigest& digest) { return digest != MarkDigest{}; }

struct TokenMarks {
  // Of a token that does not say when it was issued: it counts as issued before any time.
  static constexpr int64_t never_issued = std::numeric_limits<int64_t>::min();

  MarkDigest issuer{};               // iss
  MarkDigest id{};                   // jti
  MarkDigest subject{};              // sub
  MarkDigest session{};              // sid
  int64_t issued_at = never_issued;  // iat in Unix seconds, rounded down
};

}  // namespace postern::state
