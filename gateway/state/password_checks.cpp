#include "state/password_checks.h"

#include <algorithm>
#include <array>

#include "crypto/digest.h"
#include "crypto/random.h"

namespace postern::state {
namespace {

std::string random_secret() {
  std::array<uint8_t, 32> secret;
  crypto::fill_random(secret);
  return std::string(crypto::as_bytes(secret));
}

void append(std::string& text, std::string_view part) {
  text.append(std::to_string(part.size())).append(1, ':').append(part);
}

}  // namespace

PasswordChecks::PasswordChecks()
    : key_(crypto::Algorithm::hs256, random_secret()),
      guesses_({"wrong_passwords", guesses_per_minute, std::chrono::minutes(1), guesses_at_once}) {}

PasswordChecks::Key PasswordChecks::key_of(const Question& question) const {
  std::string text;
  // Once, so that no copy of the password is left where the text grew.
  text.reserve(question.user.size() + question.password.size() + question.hash->text().size() + 32);
  append(text, question.user);
  append(text, question.password);
  append(text, question.hash->text());
  text += question.is_known_user ? 'k' : 'u';
  Key key = key_.sign(text);
  crypto::wipe(text);
  return key;
}

PasswordChecks::Reply PasswordChecks::ask(const Key& key, const Question& question,
                                          const base::IpAddress& client, base::Instant now, Asker& asker,
                                          uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (right_.find(key, now)) {
    right_.touch(key, now);
    return {Reply::Kind::right};
  }
  if (wrong_.find(key, now)) return {Reply::Kind::wrong};
  if (const auto known = checks_.find(key); known != checks_.end()) {
    known->second.askers.emplace(&asker, number);
    return {Reply::Kind::asked};
  }
  const RateLimiter::Key asking = guesses_.key_of(client);
  if (queue_.size() >= waiting_max || waiting_of(asking) >= waiting_of_client_max) return {Reply::Kind::full};
  const RateLimiter::BucketState guesses = guesses_.take(asking, now);
  if (!guesses.passes) return {Reply::Kind::limited, guesses.wait};
  guesses_.give_back(asking);  // only a wrong password is charged, when that is known
  Check& check = checks_[key];
  check.password = question.password;
  check.hash = question.hash;
  check.is_known_user = question.is_known_user;
  check.client = asking;
  check.asked_at = now;
  check.askers.emplace(&asker, number);
  queue_.push_back(key);
  wanted_.notify_one();
  return {Reply::Kind::asked};
}

void PasswordChecks::forget(const Key& key, Asker& asker, uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = checks_.find(key);
  if (found == checks_.end()) return;
  Check& check = found->second;
  check.askers.erase({&asker, number});
  if (!check.askers.empty() || check.begun) return;
  std::erase(queue_, key);
  crypto::wipe(check.password);
  checks_.erase(found);
}

size_t PasswordChecks::waiting_of(RateLimiter::Key client) const {
  return static_cast<size_t>(std::count_if(checks_.begin(), checks_.end(), [client](const auto& entry) {
    return entry.second.client == client && !entry.second.begun;
  }));
}

bool PasswordChecks::work() {
  std::unique_lock lock(mutex_);
  wanted_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
  if (stopped_) return false;
  carry_out(lock);
  return true;
}

bool PasswordChecks::work_now() {
  std::unique_lock lock(mutex_);
  if (queue_.empty()) return false;
  carry_out(lock);
  return true;
}

void PasswordChecks::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  wanted_.notify_all();
}

size_t PasswordChecks::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void PasswordChecks::carry_out(std::unique_lock<std::mutex>& lock) {
  const auto place = checks_.find(queue_.front());
  queue_.pop_front();
  Check& check = place->second;
  check.begun = true;  // it stays in the map, and what is read here does not change
  lock.unlock();
  const bool fits = check.hash->verify(check.password);
  const bool is_right = fits && check.is_known_user;
  crypto::wipe(check.password);
  lock.lock();
  if (!is_right) guesses_.book(check.client, check.asked_at, 1);
  (is_right ? right_ : wrong_).touch(place->first, check.asked_at);
  for (const auto& [asker, number] : check.askers) asker->tell(number, is_right);
  checks_.erase(place);
}

}  // namespace postern::state
