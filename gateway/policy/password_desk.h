// Where the policies of one worker ask whether a password is right. What the worker knows is answered at once
// and without a lock; all else goes to state::PasswordChecks, and the request waits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip_address.h"
#include "base/recent_map.h"
#include "policy/awaited.h"
#include "state/password_checks.h"

namespace postern::policy {

// For the worker's thread, but for what it gives to `post`. Outlives the requests of the worker.
class PasswordDesk final : private state::PasswordChecks::Asker {
 public:
  // An answer on its way to the worker's thread.
  struct Told {
    uint64_t number = 0;
    bool right = false;
  };

  // What a request waits for.
  class Asked final : public Awaited {
   public:
    ~Asked() override;
    std::string_view what() const override { return "the check of the password"; }
    bool right() const { return right_; }  // once it has arrived

   private:
    friend class PasswordDesk;
    Asked(PasswordDesk& desk, state::PasswordChecks::Key key, uint64_t number);
    PasswordDesk& desk_;
    state::PasswordChecks::Key key_;
    uint64_t number_;
    bool right_ = false;
  };

  struct Answer {
    using Kind = state::PasswordChecks::Reply::Kind;
    Kind kind = Kind::wrong;
    base::Duration wait{};           // of `limited`
    std::unique_ptr<Asked> asked{};  // of `asked`
  };

  // `post` is called on any thread, under a lock, and brings what it gets to receive() on the worker's
  // thread. Both must outlive the desk.
  PasswordDesk(state::PasswordChecks& checks, std::function<void(Told)> post)
      : checks_(checks), post_(std::move(post)) {}
  ~PasswordDesk();
  PasswordDesk(const PasswordDesk&) = delete;
  PasswordDesk& operator=(const PasswordDesk&) = delete;

  Answer ask(const state::PasswordChecks::Question& question, const base::IpAddress& client,
             base::Instant now);
  // An answer that nobody waits for any more is passed over.
  void receive(Told told);

 private:
  // How long a request waits at most. Hashes of a high cost can take longer to work off a full queue.
  static constexpr base::Duration longest_wait = std::chrono::seconds(15);

  void tell(uint64_t number, bool right) override { post_({number, right}); }

  state::PasswordChecks& checks_;
  std::function<void(Told)> post_;
  std::map<uint64_t, Asked*> asked_;  // as many as there are requests that wait
  uint64_t last_number_ = 0;
  // What was right, so that a page with a hundred requests takes no lock of the process a hundred times.
  base::RecentMap<bool> right_{state::PasswordChecks::known_max, state::PasswordChecks::right_kept};
};

}  // namespace postern::policy
