// A bounded map that forgets old entries: an entry that was not touched for `kept` is removed, and when the
// map is full the least recently touched entry is removed. Keys are ordered and compared whole, so that a
// client that chooses the keys cannot make the map slow. For one thread, or under the lock of its user.
#pragma once

#include <list>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace postern::base {

template <class Value>
class RecentMap {
 public:
  RecentMap(size_t most, Duration kept) : most_(most), kept_(kept) {}
  RecentMap(const RecentMap&) = delete;
  RecentMap& operator=(const RecentMap&) = delete;

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  // Null when there is no entry, or it was forgotten. Valid until the next change.
  Value* find(std::string_view key, Instant now) {
    forget(now);
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.value;
  }
  // Returns the entry, made if it does not exist, and keeps it for `kept` from now.
  Value& touch(std::string_view key, Instant now) {
    forget(now);
    auto found = entries_.find(key);
    if (found == entries_.end()) {
      if (entries_.size() >= most_) drop_oldest();
      found = entries_.emplace(std::string(key), Entry{}).first;
      found->second.place = order_.insert(order_.end(), &found->first);
    } else {
      order_.splice(order_.end(), order_, found->second.place);
    }
    found->second.touched = now;
    return found->second.value;
  }
  void erase(std::string_view key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    order_.erase(found->second.place);
    entries_.erase(found);
  }
  void clear() {
    order_.clear();
    entries_.clear();
  }

 private:
  using Order = std::list<const std::string*>;
  struct Entry {
    Value value{};
    Instant touched{};
    Order::iterator place{};
  };

  void drop_oldest() {
    entries_.erase(entries_.find(*order_.front()));
    order_.pop_front();
  }
  void forget(Instant now) {
    while (!order_.empty() && now - entries_.find(*order_.front())->second.touched >= kept_) drop_oldest();
  }

  size_t most_;
  Duration kept_;
  std::map<std::string, Entry, std::less<>> entries_;
  Order order_;  // keys of entries_; the least recently touched is the first
};

}  // namespace postern::base
