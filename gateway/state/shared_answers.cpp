#include "state/shared_answers.h"

#include <utility>

namespace postern::state {

SharedAnswers::Found SharedAnswers::look(const Key& key, base::Instant now, base::Duration limit) {
  const std::lock_guard lock(mutex_);
  forget(now);
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.answer) return {Turn::answered, found->second.answer};
  if (found != entries_.end()) return {Turn::awaited, nullptr};
  if (entries_.size() >= count_max) return {Turn::alone, nullptr};
  const auto added = entries_.try_emplace(key).first;
  added->second.end = ends_.emplace(now + limit, &added->first);
  return {Turn::own, nullptr};
}

void SharedAnswers::answer(const Key& key, Answer answer, size_t size, base::Instant now,
                           base::Duration kept) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found != entries_.end()) remove(found);
  if (entries_.size() >= count_max || size > bytes_max - bytes_) return;
  const auto added = entries_.try_emplace(key).first;
  added->second.answer = std::move(answer);
  added->second.size = size;
  added->second.end = ends_.emplace(now + kept, &added->first);
  bytes_ += size;
}

void SharedAnswers::withdraw(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found != entries_.end() && !found->second.answer) remove(found);
}

size_t SharedAnswers::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void SharedAnswers::forget(base::Instant now) {
  while (!ends_.empty() && ends_.begin()->first <= now) remove(entries_.find(*ends_.begin()->second));
}

void SharedAnswers::remove(ByKey::iterator entry) {
  bytes_ -= entry->second.size;
  ends_.erase(entry->second.end);
  entries_.erase(entry);
}

}  // namespace postern::state
