#include "crypto/password_hash.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "base/ascii.h"
#include "base/check.h"
#include "crypto/argon2id.h"
#include "crypto/hmac.h"
#include "crypto/random.h"

namespace postern::crypto {
namespace {

constexpr std::string_view advice = "; make a good one with: postern hash";
constexpr size_t bcrypt_password_max = 72;  // bytes; what follows is ignored
constexpr uint64_t bcrypt_cost_max = 15;    // two to three seconds
constexpr uint64_t sha512crypt_rounds_max = 2'000'000;

// The cost of new hashes: that of OWASP's recommendation for argon2id, and libxcrypt's default for yescrypt.
constexpr uint32_t argon2id_memory = 19 * 1024;  // KiB
constexpr uint32_t argon2id_passes = 2;
constexpr unsigned long bcrypt_cost = 12;
constexpr unsigned long yescrypt_cost = 5;

bool is_of_crypt(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '.' && c <= '9');
  });
}

// Takes what is before the next "$", and that, from the front of the text; nullopt when there is none.
std::optional<std::string_view> take_part(std::string_view& text) {
  const size_t end = text.find('$');
  if (end == text.npos) return std::nullopt;
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

// $2b$12$ and 53 characters of salt and digest.
bool is_bcrypt(std::string_view text) {
  const std::string_view start = text.substr(0, 4);
  if (start != "$2a$" && start != "$2b$" && start != "$2y$") return false;
  text.remove_prefix(4);
  const auto cost = take_part(text);
  const auto number = cost && cost->size() == 2 ? base::parse_decimal(*cost) : std::nullopt;
  return number && *number >= 4 && *number <= bcrypt_cost_max && text.size() == 53 && is_of_crypt(text);
}

// $y$j9T$salt$digest. The parameters are those that libxcrypt writes for its costs: "j", the logarithm of the
// number of blocks, and their size. Costs 1 to 8 take 512 KiB to 128 MiB.
bool is_yescrypt(std::string_view text) {
  if (!text.starts_with("$y$")) return false;
  text.remove_prefix(3);
  const auto parameters = take_part(text);
  constexpr auto taken =
      std::to_array<std::string_view>({"j75", "j85", "j7T", "j8T", "j9T", "jAT", "jBT", "jCT"});
  if (!parameters || std::find(taken.begin(), taken.end(), *parameters) == taken.end()) return false;
  const auto salt = take_part(text);
  return salt && salt->size() >= 8 && salt->size() <= 86 && is_of_crypt(*salt) && text.size() == 43 &&
         is_of_crypt(text);
}

// $6$salt$digest, or $6$rounds=N$salt$digest.
bool is_sha512crypt(std::string_view text) {
  if (!text.starts_with("$6$")) return false;
  text.remove_prefix(3);
  auto salt = take_part(text);
  constexpr std::string_view rounds = "rounds=";
  if (salt && salt->starts_with(rounds)) {
    const std::string_view digits = salt->substr(rounds.size());
    const auto number = digits.size() <= 9 ? base::parse_decimal(digits) : std::nullopt;
    if (!number || *number < 1000 || *number > sha512crypt_rounds_max) return false;
    salt = take_part(text);
  }
  return salt && !salt->empty() && salt->size() <= 16 && is_of_crypt(*salt) && text.size() == 86 &&
         is_of_crypt(text);
}

// What is known of a text that is not taken.
std::string_view why_refused(std::string_view text) {
  struct Start {
    std::string_view start, sentence;
  };
  constexpr auto starts = std::to_array<Start>({
      {"$apr1$", "is an MD5 hash ($apr1$), which is guessed quickly"},
      {"$1$", "is an MD5 hash ($1$), which is guessed quickly"},
      {"$5$", "is a SHA-256 hash ($5$), which is not taken"},
      {"{SHA", "is a SHA hash without a cost, which is guessed quickly"},
      {"{SSHA", "is a SHA hash without a cost, which is guessed quickly"},
      {"{PLAIN", "is a password in plain text"},
      {"$argon2i$", "is argon2i, and argon2id is taken"},
      {"$argon2d$", "is argon2d, and argon2id is taken"},
      {"$argon2id$", "is no whole argon2id hash (v=19) of at most 256 MiB, and 1 GiB in all passes"},
      {"$2x$", "is of a bcrypt with a known fault ($2x$)"},
      {"$2", "is no whole bcrypt hash with a cost of 4 to 15"},
      {"$y$", "is no whole yescrypt hash with a cost of 1 to 8"},
      {"$6$", "is no whole SHA-512 hash of at most 2,000,000 rounds"},
      {"$", "is a hash of an unknown kind"},
  });
  for (const Start& one : starts)
    if (text.starts_with(one.start)) return one.sentence;
  return "is plain text or a DES hash, and no hash that is hard to guess";
}

// The hash that libxcrypt makes with the salt and the cost of `setting`; empty: it refuses them.
std::string crypt_with(const std::string& password, const std::string& setting) {
  const auto space = std::make_unique<crypt_data>();
  const char* made = crypt_rn(password.c_str(), setting.c_str(), space.get(), sizeof(crypt_data));
  std::string hash = made ? made : "";
  OPENSSL_cleanse(space.get(), sizeof(crypt_data));
  return hash;
}

std::string crypt_new(const std::string& password, const char* prefix, unsigned long cost) {
  std::array<uint8_t, 32> random;
  fill_random(random);
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  const char* made =
      crypt_gensalt_rn(prefix, cost, reinterpret_cast<const char*>(random.data()),
                       static_cast<int>(random.size()), setting.data(), static_cast<int>(setting.size()));
  base::check(made != nullptr, "libxcrypt knows the algorithms that hashes are made with");
  return crypt_with(password, made);
}

std::string argon2id_new(const std::string& password) {
  std::array<uint8_t, 16> salt;
  fill_random(salt);
  Argon2id hash{argon2id_memory, argon2id_passes, 1,
                std::string(reinterpret_cast<const char*>(salt.data()), salt.size()), ""};
  hash.tag = hash.tag_of(password, 32);
  base::check(!hash.tag.empty(), "there is memory for a hash");
  return hash.text();
}

}  // namespace

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

tl::expected<PasswordHash, std::string> PasswordHash::parse(std::string_view text) {
  if (Argon2id::parse(text)) return PasswordHash(PasswordAlgorithm::argon2id, text);
  if (is_bcrypt(text)) return PasswordHash(PasswordAlgorithm::bcrypt, text);
  if (is_yescrypt(text)) return PasswordHash(PasswordAlgorithm::yescrypt, text);
  if (is_sha512crypt(text)) return PasswordHash(PasswordAlgorithm::sha512crypt, text);
  return tl::unexpected(std::string(why_refused(text)).append(advice));
}

std::string password_problem(PasswordAlgorithm algorithm, std::string_view password) {
  const size_t most = algorithm == PasswordAlgorithm::bcrypt ? bcrypt_password_max : password_max;
  if (password.empty()) return "the password is empty";
  if (password.size() > most)
    return "the password has " + std::to_string(password.size()) + " bytes, and at most " +
           std::to_string(most) + " count";
  const bool has_control =
      std::any_of(password.begin(), password.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return has_control ? "the password has a control character, which Basic authentication cannot carry" : "";
}

PasswordHash PasswordHash::make(PasswordAlgorithm algorithm, const std::string& password) {
  base::check(password_problem(algorithm, password).empty(), "a password that a hash can be made of");
  const std::string text = algorithm == PasswordAlgorithm::argon2id ? argon2id_new(password)
                           : algorithm == PasswordAlgorithm::bcrypt
                               ? crypt_new(password, "$2b$", bcrypt_cost)
                               : crypt_new(password, "$y$", yescrypt_cost);
  auto made = parse(text);
  base::check(made.has_value(), "a new hash is one that is taken");
  return std::move(*made);
}

bool PasswordHash::verify(const std::string& password) const {
  // A NUL would end the password early for libxcrypt.
  if (password.size() > password_max || password.find('\0') != password.npos) return false;
  if (algorithm_ != PasswordAlgorithm::argon2id)
    return constant_time_equal(crypt_with(password, text_), text_);
  const auto hash = Argon2id::parse(text_);
  return hash && constant_time_equal(hash->tag_of(password, hash->tag.size()), hash->tag);
}

}  // namespace postern::crypto
