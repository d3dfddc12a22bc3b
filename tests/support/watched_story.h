// A story whose end a test can look at.
#pragma once

#include <optional>
#include <utility>

#include "base/story.h"

namespace postern::support {

template <class T>
class WatchedStory final : private base::Story<T>::Owner {
 public:
  WatchedStory() = default;
  explicit WatchedStory(base::Task<T> task) { begin(std::move(task)); }

  void begin(base::Task<T> task) { story_.begin(std::move(task), *this); }
  void drop() { story_.drop(); }
  bool ended() const { return times_ended_ == 1; }
  int times_ended() const { return times_ended_; }
  T& outcome() { return *outcome_; }

 private:
  void on_story_ended(T outcome) override {
    ++times_ended_;
    outcome_.emplace(std::move(outcome));
  }
  std::optional<T> outcome_;
  int times_ended_ = 0;
  base::Story<T> story_;  // dies first: a dropped story tells nobody
};

}  // namespace postern::support
