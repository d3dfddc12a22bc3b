// Credentials that are read are exactly those of one field: written again, they are the same value behind the
// scheme. And whatever is taken for a hash of a password is of a kind that is slow to guess.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "crypto/argon2id.h"
#include "crypto/base64.h"
#include "crypto/password_hash.h"
#include "policy/basic_credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern;
  using base::check;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  if (const auto read = policy::read_basic_credentials(input); read && *read) {
    const policy::BasicCredentials& credentials = **read;
    const std::string joined = credentials.user + ':' + credentials.password;
    check(input.ends_with(' ' + crypto::encode_base64(joined)), "credentials have one spelling");
    check(credentials.user.find(':') == std::string::npos, "a user name has no colon");
    check(credentials.user.size() <= policy::user_name_max, "a user name has an end");
    check(credentials.password.size() <= crypto::password_max, "a password has an end");
    check(joined.find('\0') == std::string::npos, "what a C library reads is the whole password");
  }

  if (const auto hash = crypto::PasswordHash::parse(input)) {
    check(hash->text() == input, "a hash is kept as it is written");
    check(input.starts_with("$argon2id$") || input.starts_with("$2") || input.starts_with("$y$") ||
              input.starts_with("$6$"),
          "a hash is of a kind that is slow to guess");
  }
  if (const auto hash = crypto::Argon2id::parse(input)) {
    check(uint64_t{hash->memory} * hash->passes <= 1024 * 1024, "the cost of argon2id has an end");
    const auto again = crypto::Argon2id::parse(hash->text());
    check(again && again->salt == hash->salt && again->tag == hash->tag, "argon2id goes both ways");
  }
  return 0;
}
