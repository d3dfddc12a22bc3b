#include "crypto/argon2id.h"

#include <argon2.h>

#include "base/ascii.h"
#include "crypto/base64.h"

namespace postern::crypto {
namespace {

constexpr uint32_t memory_max = 256 * 1024;  // KiB
constexpr uint64_t work_max = 1024 * 1024;   // KiB, of all passes
constexpr uint32_t lanes_max = 64;

// Takes `prefix`, and what follows it up to `end`, from the front of the text.
std::optional<std::string_view> take(std::string_view& text, std::string_view prefix, char end) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const size_t length = text.find(end);
  if (length == text.npos) return std::nullopt;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length + 1);
  return taken;
}

std::optional<uint32_t> number(std::optional<std::string_view> text, uint32_t least, uint32_t most) {
  if (!text || text->size() > 9) return std::nullopt;
  const auto found = base::parse_decimal(*text);
  if (!found || *found < least || *found > most) return std::nullopt;
  return static_cast<uint32_t>(*found);
}

// Base64 without padding, as this form has it.
std::optional<std::string> decode(std::string_view text) {
  std::string padded(text);
  padded.append((4 - text.size() % 4) % 4, '=');
  return text.find('=') == text.npos ? decode_base64(padded) : std::nullopt;
}

std::string encode(std::string_view bytes) {
  std::string text = encode_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

bool is_within(const std::optional<std::string>& bytes, size_t least, size_t most) {
  return bytes && bytes->size() >= least && bytes->size() <= most;
}

}  // namespace

std::optional<Argon2id> Argon2id::parse(std::string_view text) {
  const auto version = take(text, "$argon2id$v=", '$');
  const auto memory = number(take(text, "m=", ','), 8, memory_max);
  const auto passes = number(take(text, "t=", ','), 1, 1000);
  const auto lanes = number(take(text, "p=", '$'), 1, lanes_max);
  const auto salt_text = take(text, "", '$');
  if (version != "19" || !memory || !passes || !lanes || !salt_text) return std::nullopt;
  if (*memory < 8 * *lanes || uint64_t{*memory} * *passes > work_max) return std::nullopt;
  auto salt = decode(*salt_text);
  auto tag = decode(text);
  if (!is_within(salt, 8, 64) || !is_within(tag, 16, 64)) return std::nullopt;
  return Argon2id{*memory, *passes, *lanes, std::move(*salt), std::move(*tag)};
}

std::string Argon2id::text() const {
  return "$argon2id$v=19$m=" + std::to_string(memory) + ",t=" + std::to_string(passes) +
         ",p=" + std::to_string(lanes) + '$' + encode(salt) + '$' + encode(tag);
}

std::string Argon2id::tag_of(const std::string& password, size_t size) const {
  std::string made(size, '\0');
  // The library's structure has no const; without flags it writes into the tag alone.
  const auto bytes = [](const std::string& from) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(from.data()));
  };
  argon2_context context{};
  context.out = bytes(made);
  context.outlen = static_cast<uint32_t>(made.size());
  context.pwd = bytes(password);
  context.pwdlen = static_cast<uint32_t>(password.size());
  context.salt = bytes(salt);
  context.saltlen = static_cast<uint32_t>(salt.size());
  context.t_cost = passes;
  context.m_cost = memory;
  context.lanes = lanes;
  context.threads = 1;
  context.version = ARGON2_VERSION_13;
  context.flags = ARGON2_DEFAULT_FLAGS;
  if (argon2id_ctx(&context) != ARGON2_OK) made.clear();
  return made;
}

}  // namespace postern::crypto
