// Reads the credentials of Basic authentication (RFC 7617) from an Authorization field.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace postern::policy {

// The password is overwritten when this is destroyed.
struct BasicCredentials {
  BasicCredentials() = default;
  BasicCredentials(BasicCredentials&& other) noexcept;
  BasicCredentials& operator=(BasicCredentials&&) = delete;
  ~BasicCredentials();

  std::string user;
  std::string password;
};

// Longer user names do not exist, see PasswordList.
inline constexpr size_t user_name_max = 255;

// Nullopt: the field has another scheme. The error is a sentence that repeats nothing of the value. Base64 is
// read strictly, so that a value has one reading; user and password are octets, whatever their encoding.
tl::expected<std::optional<BasicCredentials>, std::string_view> read_basic_credentials(
    std::string_view field);

}  // namespace postern::policy
