// A worker that asks whether passwords are right, without threads: what waits is checked when the test says
// so.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "crypto/base64.h"
#include "crypto/password_hash.h"
#include "policy/password_desk.h"
#include "policy/password_list.h"
#include "state/password_checks.h"

namespace postern::support {

// Of "open sesame", with the lowest cost.
inline constexpr std::string_view cheap_hash = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";

struct PasswordRoom {
  state::PasswordChecks checks;
  policy::PasswordDesk desk{checks, [this](policy::PasswordDesk::Told told) { desk.receive(told); }};
};

// Alice and Bob, whose passwords are "open sesame".
inline std::shared_ptr<const policy::PasswordList> usual_users() {
  auto users = std::make_shared<policy::PasswordList>("staging");
  for (const char* name : {"alice", "bob"}) users->add(name, crypto::PasswordHash::parse(cheap_hash).value());
  return users;
}

inline std::string basic_field(const std::string& user, const std::string& password) {
  return "Basic " + crypto::encode_base64(user + ':' + password);
}

}  // namespace postern::support
