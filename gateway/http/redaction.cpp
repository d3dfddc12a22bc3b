#include "http/redaction.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace postern::http {
namespace {

// In lower case. The words are found anywhere in a name, the endings at the end of a name or of a part of it.
constexpr auto secret_words =
    std::to_array<std::string_view>({"password", "passwd", "passphrase", "secret", "signature"});
constexpr auto secret_endings =
    std::to_array<std::string_view>({"token", "credential", "credentials", "apikey", "api_key", "api-key",
                                     "privatekey", "private_key", "assertion"});
constexpr auto separators = std::string_view("[]. \t");
constexpr std::string_view hidden = "***";

bool is_one_of(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& candidate) {
    return candidate.size() == name.size() && base::equal_ignoring_case(candidate, name);
  });
}

bool has_secret_word(std::string_view lower) {
  return std::any_of(secret_words.begin(), secret_words.end(),
                     [&](std::string_view word) { return lower.find(word) != lower.npos; });
}

bool has_secret_ending(std::string_view part) {
  while (!part.empty() && part.back() >= '0' && part.back() <= '9') part.remove_suffix(1);  // "token2"
  return std::any_of(secret_endings.begin(), secret_endings.end(),
                     [&](std::string_view ending) { return part.ends_with(ending); });
}

// Appends "name" or "name=***". The name ends before a byte of `name_ends`; the value of a secret ends before
// a byte of `value_ends`. Returns how many bytes were read.
size_t append_parameter(std::string& out, std::string_view rest, const std::vector<std::string>& names,
                        std::string_view name_ends, std::string_view value_ends) {
  const size_t name_end = std::min({rest.find('='), rest.find_first_of(name_ends), rest.size()});
  const bool has_value = name_end < rest.size() && rest[name_end] == '=';
  if (has_value && is_secret_name(rest.substr(0, name_end), names)) {
    out.append(rest.substr(0, name_end + 1)).append(hidden);
    return std::min(rest.find_first_of(value_ends), rest.size());
  }
  const size_t end = std::min(rest.find_first_of(name_ends), rest.size());
  out.append(rest.substr(0, end));
  return end;
}

}  // namespace

const std::vector<std::string>& usual_secret_names() {
  static const std::vector<std::string> names = {
      "token",     "access_token", "id_token",      "refresh_token", "jwt",           "api_key",
      "apikey",    "key",          "secret",        "password",      "auth",          "code",
      "signature", "sig",          "pwd",           "pass",          "authorization", "bearer",
      "hmac",      "otp",          "code_verifier", "samlresponse"};
  return names;
}

bool is_secret_name(std::string_view written, const std::vector<std::string>& names) {
  std::string lower = base::to_lower(written);
  // Some servers decode a name twice.
  for (int round = 0; round < 2 && lower.find_first_of("%+") != lower.npos; ++round)
    lower = base::to_lower(decode_query_value(lower));
  if (has_secret_word(lower) || is_one_of(names, lower)) return true;
  const std::string_view name = lower;
  for (size_t at = 0; at < name.size();) {
    const size_t end = std::min(name.find_first_of(separators, at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (!part.empty() && (has_secret_ending(part) || is_one_of(names, part))) return true;
    at = end + 1;
  }
  return false;
}

std::string redact_target(std::string_view target, const std::vector<std::string>& names) {
  const size_t query = std::min(target.find('?'), target.size());
  size_t position = std::min(target.find(';'), query);
  std::string redacted(target.substr(0, position));
  while (position < query) {
    redacted += target[position++];  // ";"
    position += append_parameter(redacted, target.substr(position, query - position), names, ";/", "/");
    // After a "/" there is no parameter until the next ";".
    if (position >= query || target[position] == ';') continue;
    const size_t next = std::min(target.find(';', position), query);
    redacted.append(target.substr(position, next - position));
    position = next;
  }
  while (position < target.size()) {
    redacted += target[position++];  // "?", "&", or the ";" that some backends treat as "&"
    position += append_parameter(redacted, target.substr(position), names, "&;", "&");
  }
  return redacted;
}

std::string redact_url(std::string_view text, const std::vector<std::string>& names) {
  const size_t scheme = text.find("://");
  const size_t begin = scheme == text.npos ? 0 : scheme + 3;
  const std::string_view rest = text.substr(begin);
  size_t end = std::min(rest.find_first_of("/?#\\"), rest.size());
  size_t at = rest.substr(0, end).rfind('@');
  if (at == rest.npos) {
    // "http://user:pass/word@host": the password was not escaped. A port has only digits.
    const size_t colon = rest.substr(0, end).find(':');
    const std::string_view port = colon == rest.npos ? "" : rest.substr(colon + 1, end - colon - 1);
    const bool is_password = !rest.starts_with('[') && port.find_first_not_of("0123456789") != port.npos;
    if (is_password) at = rest.rfind('@');
  }
  // Without a scheme, "name@host" is an email address or similar; "user:password@host" contains a password.
  if (at != rest.npos && scheme == text.npos && rest.substr(0, at).find(':') == rest.npos) at = rest.npos;
  std::string out(text.substr(0, begin));
  if (at == rest.npos) return scheme == text.npos ? std::string(text) : out + redact_target(rest, names);
  return out.append(hidden) + redact_target(rest.substr(at), names);
}

}  // namespace postern::http
