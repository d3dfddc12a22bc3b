#include "policy/basic_credentials.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "crypto/base64.h"
#include "crypto/password_hash.h"

namespace postern::policy {
namespace {

constexpr std::string_view scheme = "Basic";

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// The error for user and password, joined by a colon; empty: they can be taken.
std::string_view problem_of(std::string_view decoded) {
  const size_t colon = decoded.find(':');
  if (colon == decoded.npos) return "the credentials have no colon between user and password";
  if (has_control(decoded)) return "the credentials have a control character";
  if (colon > user_name_max) return "the user name is longer than 255 bytes";
  if (decoded.size() - colon - 1 > crypto::password_max) return "the password is longer than 511 bytes";
  return {};
}

}  // namespace

BasicCredentials::BasicCredentials(BasicCredentials&& other) noexcept
    : user(std::move(other.user)), password(std::move(other.password)) {
  crypto::wipe(other.password);  // a short text is copied and not moved
}

BasicCredentials::~BasicCredentials() { crypto::wipe(password); }

tl::expected<std::optional<BasicCredentials>, std::string_view> read_basic_credentials(
    std::string_view field) {
  const bool is_basic = base::equal_ignoring_case(field.substr(0, scheme.size()), scheme) &&
                        (field.size() == scheme.size() || field[scheme.size()] == ' ' ||
                         field[scheme.size()] == '\t');  // which some servers read like a space
  if (!is_basic) return std::nullopt;
  field.remove_prefix(scheme.size());
  field.remove_prefix(std::min(field.find_first_not_of(" \t"), field.size()));
  std::optional<std::string> decoded = crypto::decode_base64(field);
  if (!decoded)
    return tl::unexpected(std::string_view("the credentials are not Base64 (RFC 4648, with padding)"));
  const std::string_view problem = problem_of(*decoded);
  std::optional<BasicCredentials> credentials;
  if (problem.empty()) {
    const size_t colon = decoded->find(':');
    credentials.emplace();
    credentials->user = decoded->substr(0, colon);
    credentials->password = decoded->substr(colon + 1);
  }
  crypto::wipe(*decoded);
  if (!problem.empty()) return tl::unexpected(problem);
  return credentials;
}

}  // namespace postern::policy
