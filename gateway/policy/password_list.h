// The users of a named list, with the hashes of their passwords.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/password_hash.h"

namespace postern::policy {

// Immutable once it is filled; any thread may use it.
class PasswordList {
 public:
  struct Entry {
    std::shared_ptr<const crypto::PasswordHash> hash;  // never null
    bool is_known_user = true;
  };

  explicit PasswordList(std::string name) : name_(std::move(name)) {}

  // False: the user is on the list already.
  bool add(std::string_view user, crypto::PasswordHash hash);

  const std::string& name() const { return name_; }
  size_t size() const { return users_.size(); }
  // The hash of the user. Where there is no such user, it is that of some other user, always of the same one
  // for one name: so names that exist cannot be told by the time that a refusal takes, also where the users
  // have hashes of different costs. The list must not be empty.
  Entry find(std::string_view user) const;

 private:
  std::string name_;
  std::map<std::string, std::shared_ptr<const crypto::PasswordHash>, std::less<>> users_;
  std::vector<std::shared_ptr<const crypto::PasswordHash>> hashes_;  // of all users
};

}  // namespace postern::policy
