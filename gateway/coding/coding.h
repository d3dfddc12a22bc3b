// The content codings that the gateway can apply to a body (RFC 9110 8.4.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::coding {

enum class Coding : uint8_t { identity, gzip, brotli, zstd };
inline constexpr int coding_count = static_cast<int>(Coding::zstd) + 1;

// The token in Accept-Encoding and Content-Encoding: "identity", "gzip", "br", "zstd".
constexpr std::string_view token(Coding coding) {
  switch (coding) {
    case Coding::gzip: return "gzip";
    case Coding::brotli: return "br";
    case Coding::zstd: return "zstd";
    case Coding::identity: break;
  }
  return "identity";
}

}  // namespace postern::coding
