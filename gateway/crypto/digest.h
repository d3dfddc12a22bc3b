// The crypto module knows keys, digests, signatures and their text encodings. It provides plain functions and
// immutable keys that any thread may use. It must not know what a token's claims mean, what a request is, or
// where keys come from.
//
// This file: digests (FIPS 180-4) of bytes that are in memory as a whole.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace postern::crypto {

using Sha1Digest = std::array<uint8_t, 20>;
using Sha256Digest = std::array<uint8_t, 32>;
using Sha384Digest = std::array<uint8_t, 48>;
using Sha512Digest = std::array<uint8_t, 64>;

// Only for Sec-WebSocket-Accept (RFC 6455 section 4.2.2), which needs no collision resistance.
Sha1Digest sha1(std::string_view bytes);

Sha256Digest sha256(std::string_view bytes);
Sha384Digest sha384(std::string_view bytes);
Sha512Digest sha512(std::string_view bytes);

// SHA-256 of the two parts in sequence, without joining them.
Sha256Digest sha256(std::string_view first, std::string_view second);

// The octets of a digest (or of any array) as a view, for the encoders; valid as long as the array.
template <size_t size>
std::string_view as_bytes(const std::array<uint8_t, size>& octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

}  // namespace postern::crypto
