// Hashes of passwords, as files of users have them: slow on purpose, so that a stolen file is of little use.
// argon2id (RFC 9106) by libargon2; bcrypt, yescrypt and SHA-512 crypt by libxcrypt.
//
// Making and verifying a hash takes tens to hundreds of milliseconds and up to 256 MiB of memory: never on an
// event loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace postern::crypto {

enum class PasswordAlgorithm : uint8_t { argon2id, bcrypt, yescrypt, sha512crypt };

// Bytes of the longest password; libxcrypt takes no longer ones.
inline constexpr size_t password_max = 511;

// Overwrites the text, in a way that the compiler cannot leave out, and empties it.
void wipe(std::string& secret);

// One hash with its salt and its cost. Immutable: any number of threads may verify with it.
class PasswordHash {
 public:
  // The error says what is wrong with the text, without repeating it, and how to make a good one. Refused
  // are plain text, hashes that are guessed quickly (DES, MD5, SHA-1, SHA-256), and costs that would let one
  // request occupy a core for seconds.
  static tl::expected<PasswordHash, std::string> parse(std::string_view text);

  // Makes a hash with a new salt and the usual cost of today; not for sha512crypt, which is only read. The
  // password must satisfy password_problem().
  static PasswordHash make(PasswordAlgorithm algorithm, const std::string& password);

  // The comparison of the digests takes the same time wherever they differ. bcrypt looks at the first 72
  // bytes only.
  bool verify(const std::string& password) const;

  const std::string& text() const { return text_; }
  PasswordAlgorithm algorithm() const { return algorithm_; }

 private:
  PasswordHash(PasswordAlgorithm algorithm, std::string_view text) : algorithm_(algorithm), text_(text) {}

  PasswordAlgorithm algorithm_;
  std::string text_;
};

// Why no hash can be made of this password with this algorithm; empty: one can.
std::string password_problem(PasswordAlgorithm algorithm, std::string_view password);

}  // namespace postern::crypto
