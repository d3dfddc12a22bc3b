// argon2id (RFC 9106) in the text form of its reference implementation: $argon2id$v=19$m=…,t=…,p=…$salt$tag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::crypto {

struct Argon2id {
  uint32_t memory = 0;  // KiB
  uint32_t passes = 0;
  uint32_t lanes = 0;
  std::string salt;  // octets
  std::string tag;   // octets

  // Nullopt: the text is not of this form, or the cost is beyond the limits: 256 MiB, and 1 GiB of memory
  // passed over in sum.
  static std::optional<Argon2id> parse(std::string_view text);
  std::string text() const;

  // The tag of a password with this salt and this cost, as long as `size`. It runs on the calling thread
  // alone, however many lanes there are. Empty: there was no memory for it.
  std::string tag_of(const std::string& password, size_t size) const;
};

}  // namespace postern::crypto
