#include "policy/password_list.h"

#include "base/check.h"
#include "crypto/digest.h"

namespace postern::policy {

bool PasswordList::add(std::string_view user, crypto::PasswordHash hash) {
  auto shared = std::make_shared<const crypto::PasswordHash>(std::move(hash));
  if (!users_.emplace(std::string(user), shared).second) return false;
  hashes_.push_back(std::move(shared));
  return true;
}

PasswordList::Entry PasswordList::find(std::string_view user) const {
  base::check(!hashes_.empty(), "a list of users has users");
  const auto found = users_.find(user);
  if (found != users_.end()) return {found->second, true};
  const crypto::Sha256Digest digest = crypto::sha256(user);
  const size_t number = (size_t{digest[0]} << 16) + (size_t{digest[1]} << 8) + digest[2];
  return {hashes_[number % hashes_.size()], false};
}

}  // namespace postern::policy
