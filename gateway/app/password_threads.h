// The threads that check passwords. They are of the process, beside the workers, and few: a flood of logins
// takes some cores for its hashes, and no event loop waits for one.
#pragma once

#include <thread>
#include <vector>

#include "state/password_checks.h"

namespace postern::app {

class PasswordThreads {
 public:
  explicit PasswordThreads(state::PasswordChecks& checks) : checks_(checks) {}
  ~PasswordThreads();  // stops them; checks that wait are not carried out
  PasswordThreads(const PasswordThreads&) = delete;
  PasswordThreads& operator=(const PasswordThreads&) = delete;

  // Does nothing when they run already. A process without passwords has no such threads.
  void start();

 private:
  state::PasswordChecks& checks_;
  std::vector<std::thread> threads_;
};

}  // namespace postern::app
