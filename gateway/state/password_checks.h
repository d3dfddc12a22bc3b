// Passwords that are checked against their hashes, and what has come out. A check takes tens to hundreds of
// milliseconds of a core, so workers only ask here: the check waits in a queue, a thread of the process takes
// it (work()), and the worker is told. The queue is of the process, so that all workers together occupy no
// more cores than there are threads for it, and so that a hash costs once, whichever workers its requests
// come to. The threads themselves belong to app.
//
// What is kept of an answer is a MAC of user, password and hash, with a key that exists in this process only.
// A password itself is kept until its check is over. Everything is bounded; any thread may use it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/ip_address.h"
#include "base/recent_map.h"
#include "crypto/hmac.h"
#include "crypto/password_hash.h"
#include "state/rate_limiter.h"

namespace postern::state {

class PasswordChecks {
 public:
  static constexpr size_t waiting_max = 64;            // checks that no thread has begun
  static constexpr size_t waiting_of_client_max = 32;  // of them from one address
  static constexpr size_t known_max = 4096;            // right answers that are kept, and as many wrong ones
  static constexpr base::Duration right_kept = std::chrono::minutes(10);
  static constexpr base::Duration wrong_kept = std::chrono::minutes(1);
  // The different wrong passwords that one client address may try. The same one again is no other try: a
  // program that repeats an old password shuts out nobody behind its address.
  static constexpr uint32_t guesses_per_minute = 10;
  static constexpr uint32_t guesses_at_once = 20;

  // A worker that asks. An answer that has been forgotten before may still arrive: the asker passes over it.
  class Asker {
   public:
    // Called on the thread that has checked, under a lock: it only passes the answer on to its own thread.
    virtual void tell(uint64_t number, bool right) = 0;

   protected:
    ~Asker() = default;
  };

  struct Question {
    std::string_view user;
    std::string_view password;
    // Never null. Where there is no such user, it is the hash of another one: the check takes as long, and
    // its answer is wrong whatever the hash says.
    std::shared_ptr<const crypto::PasswordHash> hash;
    bool is_known_user = true;
  };
  using Key = std::string;  // a MAC of a question; 32 bytes

  struct Reply {
    enum class Kind : uint8_t {
      right,
      wrong,
      asked,    // the asker will be told
      full,     // too many checks wait, or too many of this client
      limited,  // the client has tried too many wrong passwords; `wait` says when it may try again
    } kind = Kind::wrong;
    base::Duration wait{};
  };

  PasswordChecks();
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;

  // Takes no lock.
  Key key_of(const Question& question) const;

  // Returns what is known, or has the question checked for the asker, who chooses `number`. Questions with
  // one key are checked once, whoever asks them at the same time.
  Reply ask(const Key& key, const Question& question, const base::IpAddress& client, base::Instant now,
            Asker& asker, uint64_t number);
  // The asker wants no answer any more. When this has returned, it is not told of this number. A check that
  // nobody waits for is not begun.
  void forget(const Key& key, Asker& asker, uint64_t number);

  // For the threads: waits for a check and carries it out. False: stop() was called.
  bool work();
  // The same without waiting. False: nothing waits.
  bool work_now();
  void stop();

  size_t waiting() const;  // checks that no thread has begun

 private:
  struct Check {
    std::string password;
    std::shared_ptr<const crypto::PasswordHash> hash;
    bool is_known_user = true;
    RateLimiter::Key client = 0;  // who is charged for a wrong answer
    base::Instant asked_at{};
    std::set<std::pair<Asker*, uint64_t>> askers{};
    bool begun = false;
  };
  using Checks = std::map<Key, Check, std::less<>>;

  size_t waiting_of(RateLimiter::Key client) const;
  void carry_out(std::unique_lock<std::mutex>& lock);

  const crypto::HmacKey key_;
  LocalRateLimiter guesses_;
  mutable std::mutex mutex_;
  std::condition_variable wanted_;
  bool stopped_ = false;
  Checks checks_;          // waiting and begun; a check stays in its place until it is over
  std::deque<Key> queue_;  // those that wait, in their order
  base::RecentMap<bool> right_{known_max, right_kept};
  base::RecentMap<bool> wrong_{known_max, wrong_kept};
};

}  // namespace postern::state
